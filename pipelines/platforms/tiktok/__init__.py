"""The platform TikTok: accounts and their public videos, through the Display API."""
