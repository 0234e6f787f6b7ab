"""Commands to MongoDB that the threads of a run share."""
