"""The static facts of each platform: a module per platform, and the list of all of them."""
