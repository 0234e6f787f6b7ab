"""The list of all platforms."""

from metrics.platforms.facebook import FACEBOOK
from metrics.platforms.facts import by_name
from metrics.platforms.instagram import INSTAGRAM
from metrics.platforms.linkedin import LINKEDIN
from metrics.platforms.threads import THREADS
from metrics.platforms.twitter import TWITTER

FACTS = by_name(INSTAGRAM, FACEBOOK, TWITTER, LINKEDIN, THREADS)
"""The facts of each platform, in the order in which platforms are listed to users."""
