"""Simulator of the platforms' HTTP APIs, whose true numbers are known and whose faults can be set."""
