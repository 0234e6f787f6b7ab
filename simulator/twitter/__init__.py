"""X: `world` says what is true, `api` answers for it as the API v2 does, `objects` puts the answers together."""
