"""The platforms' HTTP APIs on this machine, with known truth and faults on demand."""
