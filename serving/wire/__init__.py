"""The HTTP level: limits of requests, headers, content negotiation, and errors as problem documents."""
