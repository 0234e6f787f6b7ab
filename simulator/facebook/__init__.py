"""Facebook: `world` says what is true, `node` and `insights` answer for it within the Graph API."""
