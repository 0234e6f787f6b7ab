"""Reads the public numbers of watched accounts once a day, and stores them as those of own accounts are stored."""
