"""Rollups for `aggregated` and `series`: which periods a query selects, their totals, groups and comparisons."""
