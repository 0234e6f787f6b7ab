"""Tests of commands that threads share."""
