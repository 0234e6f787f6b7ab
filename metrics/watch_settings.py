"""The settings of watched accounts, a part of `metrics.settings`."""

import re
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

PostsPerDay = Annotated[int | None, Field(ge=0)]
_CRON = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
"""The lowest and the highest number of each field of a cron expression."""
_CRON_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/([1-9]\d?))?")


def _is_cron_field(text: str, bounds: tuple[int, int]) -> bool:
    """Tell whether a text is a field of a cron expression with numbers between bounds: `*/6`, `5`, `1-5`, `6,18`."""
    for part in text.split(","):
        found = _CRON_PART.fullmatch(part)
        if found is None:
            return False
        numbers = [int(one) for one in found.groups()[:2] if one is not None]
        if any(not bounds[0] <= one <= bounds[1] for one in numbers) or numbers != sorted(numbers):
            return False
    return True


class WatchSettings(BaseSettings):
    """How many accounts of others may be watched, when they are read, and what that may use."""

    watch_limit: int = Field(
        100,
        ge=0,
        le=10_000,
        description="Accounts of others that a workspace may watch. Watched accounts that are its own do not count.",
    )
    watch_share: int = Field(
        20,
        ge=0,
        le=100,
        description="Percent of the calls of a connected account, and of quotas and budgets that own accounts need "
        "too, that reading the public numbers of watched accounts may use. 0: no route that needs these is read.",
    )
    watch_posts_per_day: PostsPerDay = Field(
        5_000,
        description="Distinct posts of watched accounts that are read per UTC day from a platform that bills each of "
        "them: X, 0.005 USD each, and 0.01 USD for each account. Unset: no limit of its own.",
    )
    watch_schedule: str = Field(
        "10 6 * * *",
        description="When the public numbers of watched accounts are read, as a cron expression in UTC. Accounts that "
        "were read on the same day are left out, so that a later hour reads what a limit left over.",
    )

    @field_validator("watch_schedule")
    @classmethod
    def _check_schedule(cls, text: str) -> str:
        parts = text.split()
        if len(parts) != len(_CRON) or not all(map(_is_cron_field, parts, _CRON)):
            raise ValueError("must be a cron expression of five fields, such as 10 6 * * *")
        return " ".join(parts)
