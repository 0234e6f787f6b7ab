"""Benchmarks: where own accounts stand among others, by the public numbers that all of them have."""
