"""The simulated TikTok: the Display API and its token endpoint."""
