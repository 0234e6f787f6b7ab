"""Benchmarks over HTTP: the groups of watched accounts in each period, and their series."""
