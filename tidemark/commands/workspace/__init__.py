"""Commands of what a workspace sets for itself: its calendar, its campaigns and its alerts."""
