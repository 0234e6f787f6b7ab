"""On which days a post of a watched account is read, by its age: daily for thirty days, less often if it is billed.

Platforms whose lists have the numbers of posts tell them on every reading; there, the list is read back as far as this.
"""

from datetime import date, datetime, timedelta

from metrics.documents import Platform
from metrics.platforms.registry import FACTS

FOLLOWED_DAYS = 30
"""Posts that are older are no longer read: most of what a post gains comes in its first weeks."""

DAILY_WHERE_BILLED = 7
"""So many days after its publication, a post that is billed is read daily, and then once a week."""

FOLLOWED = timedelta(days=FOLLOWED_DAYS)


def due(platform: Platform, published_at: datetime, day: date) -> bool:
    """Tell whether a post is read on a UTC day."""
    age = (day - published_at.date()).days
    if not 0 <= age <= FOLLOWED_DAYS:
        return False
    facts = FACTS[platform].public_numbers
    is_billed = facts is not None and "post" in facts.prices
    return not is_billed or age <= DAILY_WHERE_BILLED or age % 7 == 0
