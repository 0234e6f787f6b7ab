"""The simulated TikTok: the Display API, the organic API for Business, and their tokens."""
