"""The platform Threads: profiles with posts and insights, through the Threads API."""
