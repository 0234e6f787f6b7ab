"""The embedded stack: locates real servers, and starts, supervises and stops them in order."""
