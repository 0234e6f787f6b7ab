"""The command line `tidemark`, and the embedded stack that `tidemark up` starts."""
