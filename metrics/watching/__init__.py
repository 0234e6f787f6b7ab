"""Watch lists: accounts of others whose public numbers a workspace follows (docs/benchmarks.md)."""
