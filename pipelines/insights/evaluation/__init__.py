"""How often statements were right, on the data of an installation: a module per kind of statement.

Only what was said and what was rolled up is read, an account at a time, and nothing is written.
"""
