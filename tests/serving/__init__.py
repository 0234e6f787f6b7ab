"""Tests of the serving layer, against a real server."""
