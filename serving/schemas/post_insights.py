"""The shapes of the answers of `decay`, `best-times` and `outlooks`."""

from typing import Literal

from pydantic import Field

from metrics import best_times, content_decay, post_outlooks
from metrics.documents import MetricType, Platform
from serving.schemas.base import Count, Instant, Meta, Shape, absent

_NOT_SAID = Literal["not_yet_available", "terms"]
_REASONS = (
    "too_few_posts: fewer posts than the method needs; definition_changed: too few posts since the definition of "
    "engagement changed; not_yet_available: nothing was said yet, because the time has not come or there is no post; "
    "terms: the platform's terms demand a consent"
)


class NoDecay(Shape):
    """Why nothing is said of how posts age."""

    reason: Literal[content_decay.Refusal, _NOT_SAID] = Field(description=f"{_REASONS}.")


class NoBestTimes(Shape):
    """Why no slots are published."""

    reason: Literal[best_times.Refusal, _NOT_SAID] = Field(
        description=f"{_REASONS}; constant: most posts have the same engagement; no_effect: no window and no weekday "
        "stands out more than in shuffled histories. `no_effect` is a result: most accounts have no best hour that "
        "can be shown."
    )


class NoOutlook(Shape):
    """Why nothing is expected of a post."""

    reason: Literal[post_outlooks.Refusal, _NOT_SAID] = Field(
        description=f"{_REASONS}; too_few: fewer than 5 engagements at an age of up to 3 hours; no_observation: the "
        "post was not read near half of its age."
    )


class Evidence(Shape):
    """From which posts of an account something is said."""

    account_id: str
    platform: Platform
    metric_type: MetricType = absent("The type of posts.")
    model: str = absent("The version of the method.")
    made_at: Instant = absent("When it was said.")
    trained_from: str = absent("The day on which the oldest of the posts was published.")
    trained_to: str = absent("The day on which the newest of the posts was published.")
    expected: Count = absent("The posts of the last 180 days that were old enough.")
    observed: Count = absent("Those of them that were used.")


class DecayAge(Shape):
    """The share of their final engagement that posts had at an age."""

    age: Count = Field(description="The age in hours.")
    q1: float = Field(description="A quarter of the posts had at most this share.")
    median: float = Field(description="Half of the posts had at most this share.")
    q3: float = Field(description="Three quarters of the posts had at most this share.")
    posts: Count = Field(description="Posts with a reading within a slot of the age.")


class HalfLife(Shape):
    """The age in hours at which posts have half of their final engagement. A missing number is below one hour."""

    q1: float = absent("A quarter of the posts had half of their engagement by then.")
    median: float = absent("Half of the posts had half of their engagement by then.")
    q3: float = absent("Three quarters of the posts had half of their engagement by then.")


class AccountDecay(Evidence):
    """How fast a type of posts of an account ages."""

    points: list[DecayAge] = absent("The cumulative share by age; the final engagement is that at 168 hours.")
    half_life: HalfLife = absent("The half-life; show a missing `median` as «< 1 h».")
    unavailable: NoDecay = absent("Why there are no points.")


class Decays(Shape):
    """How fast posts age, by account and type."""

    data: list[AccountDecay]
    meta: Meta


class Window(Shape):
    """Three hours of the day in the workspace's time zone, from `hour` on."""

    hour: int = Field(ge=0, le=23, description="The first hour.")
    lift: float = Field(description="How much more engagement a typical post gets there; 0.24 is 24 % more.")
    lo80: float = Field(description="The lift lies between `lo80` and `hi80` four times of five.")
    hi80: float = Field(description="The upper bound of the 80 % interval.")
    posts: Count = Field(description="Posts in these three hours, on any weekday.")


class Slot(Window):
    """Three hours of a weekday: the effects of hours and weekday add up."""

    weekday: int = Field(ge=0, le=6, description="Monday is 0.")


class BestTimesBacktest(Shape):
    """What the best window of the older two thirds of the posts promised, and what the newer posts did there."""

    claimed: float = Field(description="The lift that was claimed.")
    realised: float = Field(description="The lift of the newer posts in that window.")
    posts: Count = Field(description="The newer posts in that window.")


class Pooled(Shape):
    """The windows over all accounts of the same platform in this workspace. It is not about this account alone."""

    accounts: Count = Field(description="Accounts whose posts are in the windows.")
    posts: Count = Field(description="Posts of all these accounts.")
    p: float = Field(description="As `p` of an account; above 0.05 the windows may be chance.")
    windows: list[Window] = Field(description="Windows with at least 8 posts, by first hour.")


class AccountBestTimes(Evidence):
    """The weekdays and hours at which a type of posts of an account does better."""

    time_zone: str = absent("The time zone of weekdays and hours.")
    tried: Count = absent("Windows and weekdays that were tested together.")
    p: float = absent("The share of shuffled histories whose best window or weekday stands out as much.")
    slots: list[Slot] = absent("Slots with at least 8 posts in the window and on the weekday, best first.")
    backtest: BestTimesBacktest = absent("How a claim from the older posts came true.")
    pooled: Pooled = absent("Where this account alone shows no effect, or has too few posts.")
    unavailable: NoBestTimes = absent("Why there are no slots.")


class BestTimes(Shape):
    """At which weekdays and hours posts do better, by account and type."""

    data: list[AccountBestTimes]
    meta: Meta


class OutlookBacktest(Shape):
    """How good the method was on the newer posts of the history at the same age."""

    posts: Count = Field(description="The newer posts, to which it was not fitted.")
    error: float = Field(description="The median share by which it missed the final engagement.")
    error_log_linear: float = Field(description="The same of the log-linear model.")
    coverage80: float = Field(description="The share of these posts inside 80 % intervals from the others.")
    coverage95: float = Field(description="The share of these posts inside 95 % intervals from the others.")


class PostOutlook(Evidence):
    """What becomes of a post."""

    post_id: str
    published_at: Instant
    age: float = absent("The age in hours at which it was said.")
    engagement: float = absent("The engagement of the post at that age.")
    trained_on: post_outlooks.TrainedOn = absent(
        "workspace: the workspace's own posts; platform: the posts of the platform in all workspaces."
    )
    method: post_outlooks.Method = absent("log_linear, or boosted where its back-test was better by 5 %.")
    value: float = absent("The engagement to expect at an age of 168 hours.")
    lo80: float = absent("It lies between `lo80` and `hi80` for four posts of five.")
    hi80: float = absent("The upper bound of the 80 % interval.")
    lo95: float = absent("It lies between `lo95` and `hi95` for nineteen posts of twenty.")
    hi95: float = absent("The upper bound of the 95 % interval.")
    percentile_of_account: float = absent("The percentage of the account's last 100 posts that ended below `value`.")
    probability_top10: float = absent("The probability that the post ends above nine tenths of these posts.")
    backtest: OutlookBacktest = absent("How good the method was.")
    unavailable: NoOutlook = absent("Why there is no value.")


class Outlooks(Shape):
    """What becomes of young posts."""

    data: list[PostOutlook]
    meta: Meta
