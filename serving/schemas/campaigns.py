"""The shapes of campaigns."""

from typing import Any

from pydantic import ConfigDict, Field

from metrics.campaigns.changes import LONGEST_TAG, LONGEST_TITLE, MAX_ACCOUNTS, MAX_DAYS, MAX_POSTS
from serving.schemas.base import Day, Instant, Page, Shape, absent

_SPRING: Any = {"title": "Spring sale", "startDate": "2026-03-01", "endDate": "2026-03-21", "tag": "#springsale"}
_TAG = (
    "A hashtag: the posts that were published in the range with it in the first 120 characters of their caption. It is "
    "refused while captions are not stored."
)


class CampaignToSet(Shape):
    """A campaign as the caller gives it. Without accounts, posts and a tag, it has all accounts of the workspace."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SPRING]})

    title: str = Field(min_length=1, max_length=LONGEST_TITLE, description="The name to show to people.")
    start_date: Day = Field(description="The first day, by the workspace's calendar.")
    end_date: Day = Field(description=f"The last day, inclusive; a campaign has at most {MAX_DAYS} days.")
    account_ids: list[str] | None = Field(
        None, min_length=1, max_length=MAX_ACCOUNTS, description="Only these accounts of the workspace.",
        examples=[["acc_7kq2"]],
    )  # fmt: skip
    post_ids: list[str] | None = Field(
        None, min_length=1, max_length=MAX_POSTS, description="Only these posts; with a tag, these as well.",
        examples=[["post_a41x"]],
    )  # fmt: skip
    tag: str | None = Field(None, min_length=1, max_length=LONGEST_TAG + 1, description=_TAG)


class Campaign(Shape):
    """A campaign of a workspace."""

    name: str = Field(description="The name, as in `period=campaign:<name>` and in the label `campaign` of formulas.")
    title: str = Field(description="The name to show to people.")
    start_date: Day = Field(description="The first day, by the workspace's calendar.")
    end_date: Day = Field(description="The last day, inclusive.")
    account_ids: list[str] = absent("Only these accounts.")
    post_ids: list[str] = absent("Only these posts.")
    tag: str = absent("Only posts with this hashtag, without the `#` and in lower case.")
    created_at: Instant = Field(description="When it was first set.")
    changed_at: Instant = Field(description="When it was last set.")


class CampaignAnswer(Shape):
    """A campaign."""

    data: Campaign


class Campaigns(Shape):
    """The campaigns of a workspace, by name."""

    data: list[Campaign]
    page: Page
