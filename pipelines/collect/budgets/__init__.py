"""Our own budgets, which all workers share through Redis: of distinct posts, and of calls for each account."""
