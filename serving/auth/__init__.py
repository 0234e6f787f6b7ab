"""Authentication and authorisation: API keys, JSON web tokens, stream tickets, rate limits, and the owners of ids."""
