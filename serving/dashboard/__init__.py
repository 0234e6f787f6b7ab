"""The page that shows a workspace; it uses the public API alone."""
