"""Statements about posts: how fast they age, at which hours they do best, and what becomes of young ones."""
