"""The endpoints of metrics: the catalog, and metrics of a workspace's own."""
