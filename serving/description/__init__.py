"""The API's description: an OpenAPI document, and HTML pages for people."""
