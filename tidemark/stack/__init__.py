"""The embedded stack: real servers, found or unpacked, started, watched and stopped in order."""
