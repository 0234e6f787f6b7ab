"""The cache of finished answers, in Redis and in memory, by the version of a workspace's data."""
