"""What a platform shows of an account to others: everything, or nothing for one of several reasons."""

from typing import Literal

from simulator.world import SimAccount, World

Standing = Literal["public", "personal", "private", "age_gated"]
_FIRST, _EVERY, _WHICH = 100, 7, 6
"""Accounts with an index below the first are those that people connect: everybody sees them."""


def standing(world: World, account: SimAccount) -> Standing:
    """Return how others see an account: one in seven is not shown, on platforms that have such accounts."""
    kinds: tuple[Standing, ...] = world.platforms[account.platform].standings
    if not kinds or account.index < _FIRST or account.index % _EVERY != _WHICH:
        return "public"
    return kinds[account.index // _EVERY % len(kinds)]


def is_public(world: World, account: SimAccount) -> bool:
    """Tell whether others see an account."""
    return standing(world, account) == "public"
