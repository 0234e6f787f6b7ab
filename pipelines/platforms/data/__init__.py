"""What the clients of platforms take and return: accounts, posts, readings, what is wanted, and what calls cost."""
