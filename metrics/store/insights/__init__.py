"""Collections of statements about metrics, such as forecasts: a module per collection."""
