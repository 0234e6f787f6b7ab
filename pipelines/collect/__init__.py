"""Accounts to observations: who is asked when, and what is written of the answer."""
