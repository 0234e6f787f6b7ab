"""Dagster runs: their tags, metadata, partitions, failures and retries, and Dagster's storage of them."""
