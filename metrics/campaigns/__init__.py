"""Campaigns of a workspace: which are accepted, which accounts and posts they select, and their rollups."""
