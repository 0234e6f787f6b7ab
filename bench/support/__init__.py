"""What the benches of the serving layer share."""
