"""Collection: decide which accounts and posts to read in a slot, read them, and write observations and records."""
