"""The Dagster code location: assets, jobs, schedules and sensors. `collect` and `rollup` hold the computations."""
