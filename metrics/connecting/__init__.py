"""Connecting accounts: a platform's login in a browser, and how connected accounts are stored."""
