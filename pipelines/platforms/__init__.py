"""One module per platform, and what they share. Nothing else knows a platform's name."""
