"""The platform LinkedIn: organization pages with posts, statistics and followers, through the REST API."""
