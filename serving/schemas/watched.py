"""The shapes of watched accounts and of the numbers that a person enters for them."""

from typing import Any

from pydantic import ConfigDict, Field, StrictInt

from metrics.documents import Platform, Source, WatchedState
from metrics.watching.lists import LONGEST_GROUP, LONGEST_LABEL
from serving.schemas.base import Count, Day, Instant, Page, Shape, absent

_RIVAL: Any = {"label": "Rival Coffee", "group": "coffee"}
_NUMBERS: Any = {"numbers": {"followers": 18250}}


class WatchToSet(Shape):
    """How an account is watched. A field that is left out is removed if it was set before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_RIVAL]})

    label: str | None = Field(None, min_length=1, max_length=LONGEST_LABEL, description="The name to show to people.")
    group: str | None = Field(
        None, min_length=1, max_length=LONGEST_GROUP, description="The group in which the account is compared."
    )
    own: str | None = Field(
        None, min_length=1, max_length=128,
        description="The id of the connected account that is the same account; it does not count for the limit.",
        examples=["acc_7kq2"],
    )  # fmt: skip


class WatchedAccount(Shape):
    """An account of somebody else, or one's own by its public numbers, that a workspace watches."""

    platform: Platform
    key: str = Field(
        description="The handle after an `@`, or the platform's id, with which the account was added; it never changes."
    )
    handle: str = Field(description="The present handle, without `@`; the id until the account was looked up.")
    platform_account_id: str = absent("The platform's id of the account, once it was looked up.")
    label: str = absent("The name to show to people.")
    group: str = absent("The group in which the account is compared.")
    own: str = absent("The id of the connected account that is the same account.")
    state: WatchedState = Field(
        description="pending: not looked up yet; active: its numbers are read; not_found, personal, private, "
        "age_gated: the platform does not show it; unsupported: the platform has no lawful route to numbers of others; "
        "off: the route is not configured, the workspace switched the platform off, or the account is watched twice."
    )
    state_reason: str = absent("Why it is in this state, in one sentence.")
    state_since: Instant = Field(description="Since when it is in this state.")
    watched_since: Instant = Field(description="The beginning of the first day of its numbers.")
    looked_at: Instant = absent("When the platform was last asked for it.")
    source: Source = Field(description="public: the platform shows the numbers; manual: a person enters them.")
    entered_by: str = absent("Who entered numbers last: the name of a key or of a person.")
    kept_days: Count = absent("For how many days the terms of the platform allow to keep its numbers.")


class WatchedAnswer(Shape):
    """A watched account."""

    data: WatchedAccount


class WatchedMeta(Shape):
    """How many accounts a workspace watches and may watch."""

    others: Count = Field(description="The accounts that count for the limit: those without `own`.")
    limit: Count = Field(description="The most of these that the workspace may watch.")
    platforms_off: list[Platform] = Field(description="The platforms that the workspace switched off for watching.")


class WatchedAccounts(Shape):
    """The watched accounts of a workspace, by platform and key."""

    data: list[WatchedAccount]
    page: Page
    meta: WatchedMeta


class NumbersToEnter(Shape):
    """Numbers of a watched account of one day, in place of those of the same names that were entered for it before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_NUMBERS]})

    date: Day | None = Field(None, description="The day of the workspace's calendar; by default the present one.")
    numbers: dict[str, StrictInt] = Field(
        min_length=1,
        description="Levels of the account by the names of the catalog, as `followers` and `posts`.",
        examples=[_NUMBERS["numbers"]],
    )


class EnteredNumbers(WatchedAccount):
    """A watched account, and the numbers that were entered for one day."""

    date: Day = Field(description="The day of the workspace's calendar.")
    numbers: dict[str, Count] = Field(description="What was entered.")
    entered_at: Instant = Field(description="When it was entered.")


class EnteredAnswer(Shape):
    """A watched account, and the numbers that were entered for one day."""

    data: EnteredNumbers
