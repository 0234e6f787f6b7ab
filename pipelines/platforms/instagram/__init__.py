"""The platform Instagram: professional accounts with media, stories and insights, through the Graph API."""
