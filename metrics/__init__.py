"""Code that collection, rollups and serving share: the metric catalog, the stores, and the events."""
