"""Forecasts of daily numbers of accounts: numpy alone, from rollups, with intervals that back-tests gave."""
