"""The command line, and the embedded stack that `tidemark up` starts."""
