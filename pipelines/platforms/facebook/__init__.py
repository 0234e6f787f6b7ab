"""The platform Facebook: pages with posts, reels and insights, through the Graph API."""
