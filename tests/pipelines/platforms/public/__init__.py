"""Tests of the readers of public numbers."""
