"""Reads the public numbers of accounts of others: what each platform shows to somebody who does not own the account."""
