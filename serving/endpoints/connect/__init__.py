"""Connecting accounts in a browser: the link, the page before the platform's consent, and the return."""
