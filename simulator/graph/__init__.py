"""The Graph API of the simulator: paths, versions, batches, budgets, tokens, lists and errors."""
