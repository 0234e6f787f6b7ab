"""The list of all platforms."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

from metrics.documents import ACCOUNT_ACCESSES, AccountAccess, Platform
from metrics.platforms.bluesky import BLUESKY
from metrics.platforms.facebook import FACEBOOK
from metrics.platforms.facts import by_name
from metrics.platforms.instagram import INSTAGRAM
from metrics.platforms.linkedin import LINKEDIN
from metrics.platforms.pinterest import PINTEREST
from metrics.platforms.threads import THREADS
from metrics.platforms.tiktok import TIKTOK
from metrics.platforms.twitter import TWITTER
from metrics.platforms.youtube import YOUTUBE

FACTS = by_name(INSTAGRAM, FACEBOOK, TWITTER, LINKEDIN, TIKTOK, YOUTUBE, PINTEREST, THREADS, BLUESKY)
"""The facts of each platform, in the order in which platforms are listed to users."""

NEEDING_CONSENT: frozenset[Platform] = frozenset(name for name, facts in FACTS.items() if facts.derived_needs_consent)
"""Platforms whose terms demand a consent before their numbers are mixed with those of others."""

KEPT_DAYS: Mapping[tuple[Platform, AccountAccess], int] = MappingProxyType(
    {
        (name, access): days
        for name, facts in FACTS.items()
        for access in ACCOUNT_ACCESSES
        if (days := facts.kept_days(access)) is not None
    }
)
"""For how many days the terms allow to keep what was read of accounts, by platform and access; others have no limit."""

KEPT_AFTER_GRANT: Mapping[Platform, timedelta] = MappingProxyType(
    {name: kept for name, facts in FACTS.items() if (kept := facts.kept_after_grant) is not None}
)
"""For how long the terms allow to keep what was read of an account after its grant ended; others name no time."""

STORING_NEEDS_CONSENT: frozenset[Platform] = frozenset(
    name for name, facts in FACTS.items() if facts.storing_needs_consent
)
"""Platforms whose terms demand a consent before anything that their API returned is stored."""
