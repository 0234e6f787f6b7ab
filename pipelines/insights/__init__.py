"""Statements about the numbers of accounts that go beyond them, each with its evidence. Runs without Dagster."""
