"""The platform X (in code: twitter): posts with public and private metrics, through the API v2."""
