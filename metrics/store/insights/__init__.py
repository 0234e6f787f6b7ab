"""What is said about numbers: a module per collection."""
