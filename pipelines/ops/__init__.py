"""Jobs that consist of ops instead of assets: rolling up late data, and nightly maintenance."""
