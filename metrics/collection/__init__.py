"""The state of collection: records and holes of each hour, and the histories (backfills) of accounts."""
