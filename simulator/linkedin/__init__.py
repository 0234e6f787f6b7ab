"""LinkedIn: `world` says what is true, `restli` reads its query strings, `api` and `statistics` answer."""
