"""The dashboard: a page that shows one workspace and uses nothing but the public API."""
