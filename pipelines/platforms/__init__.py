"""Platform clients: one package per platform, and the modules they share. No other code contains a platform's name."""
