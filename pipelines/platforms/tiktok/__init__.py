"""The platform TikTok: accounts and their public videos, through the Display API and the API for Business."""
