"""The commands of `tidemark`, one module per group."""
