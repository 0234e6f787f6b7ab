"""The shapes of benchmarks: groups of watched accounts, and where own accounts stand in them."""

from typing import Any

from pydantic import Field, create_model

from metrics.benchmarks.catalog import METRICS, BenchmarkMetric, BenchmarkUnit
from metrics.benchmarks.numbers import NumberReason
from metrics.benchmarks.reading import BenchmarkPeriod
from metrics.benchmarks.standing import LeftOut, NoQuantiles
from metrics.documents import Platform, RollupStatus, Source, WatchedState
from serving.schemas.base import CalendarFields, Count, Day, Instant, Meta, Page, Shape, absent

REASONS = (
    "no_observation: nothing was observed in the period; pending, not_found, personal, private, age_gated, "
    "unsupported, off: the state of an account that has no numbers of the period; not_supported: the platform does not "
    "show what the number is made of; terms: the platform's terms forbid the number, or its storage for so long; "
    "rounded: the followers changed by less than the step to which the platform rounds them; definition_changed: the "
    "platform changed within the period what it counts; zero_basis: the divisor is 0; hidden_likes: the likes of all "
    "posts are hidden."
)
KEY = "The handle after an `@`, or the platform's id, with which the account is watched."
OWN = "The id of the connected account that is the same account."

_COUNTS = {"followers", "followerGrowth", "posts", "engagement"}
_NUMBERS: dict[str, Any] = {
    name: (
        dict[str, Count] if name == "postsByType" else int if name in _COUNTS else float,
        absent(f"{meaning.formula[0].upper()}{meaning.formula[1:]}."),
    )
    for name, meaning in METRICS.items()
}
BenchmarkNumbers = create_model(
    "BenchmarkNumbers", __base__=Shape, __doc__="The public numbers of one account over one period, by metric.",
    **_NUMBERS,
)  # fmt: skip


class DaysObserved(Shape):
    """How many days of a period were observed of an account."""

    days: Count = Field(description="The days of the period so far; one under way counts once it was observed.")
    observed_days: Count = Field(description="The days of which the account's numbers were read.")


class BenchmarkAccount(Shape):
    """An account of a group with its public numbers over the period."""

    key: str = Field(description=KEY)
    handle: str = Field(description="The present handle, without `@`; the id until the account was looked up.")
    label: str = absent("The name to show to people.")
    own: str = absent(OWN)
    source: Source = Field(description="public: the platform shows the numbers; manual: a person enters them.")
    entered_by: str = absent("Who entered numbers last: the name of a key or of a person.")
    state: WatchedState = Field(description="Whether its numbers are read now: the states of watched accounts.")
    state_reason: str = absent("Why it is in this state, in one sentence.")
    coverage: DaysObserved = Field(description="How many of the period's days were observed.")
    measured_posts: Count = Field(description="Posts of the period whose engagement is known.")
    hidden_posts: Count = Field(description="Posts of the period that are left out because their likes are hidden.")
    viewed_posts: Count = Field(description="Posts of the period whose views are shown.")
    numbers: BenchmarkNumbers = Field(description="The numbers by metric; unknown ones are absent.")
    unavailable: dict[BenchmarkMetric, NumberReason] = Field(description=f"Why numbers are absent. {REASONS}")


class OwnStanding(Shape):
    """Where an own account stands among the others of the group."""

    key: str = Field(description=KEY)
    account_id: str = Field(description=OWN)
    value: float = Field(description="Its number.")
    percentile_rank: float = absent(
        "The percentage of the others with a lower number; of those with an equal one, half counts."
    )
    gap_to_median: float = absent("Its number less the median, in the unit of the metric.")


class LeftOutNumber(Shape):
    """An account whose number is not compared."""

    key: str = Field(description=KEY)
    reason: LeftOut = Field(
        description="low_coverage: fewer than 80 % of the days were observed; manual: it was entered by hand; "
        f"and the reasons of absent numbers. {REASONS}"
    )


class MetricComparison(Shape):
    """The distribution of one metric over the accounts of a group that are not own."""

    metric: BenchmarkMetric = Field(description="The name of the metric.")
    unit: BenchmarkUnit = Field(description="The unit of all values; a gap of percentages is in percentage points.")
    basis: str = absent("What it is divided by; absent if it is no quotient.")
    n: Count = Field(description="How many accounts the distribution is of.")
    median: float = absent("Quantiles are interpolated linearly between values (type 7).")
    p25: float = absent("The first quartile.")
    p75: float = absent("The third quartile.")
    unavailable: NoQuantiles = absent(
        "Why there are no quantiles. too_few: the distribution has fewer than five values; terms: the platform's terms "
        "forbid numbers over accounts of several owners without a consent."
    )
    own: list[OwnStanding] = Field(description="The own accounts that are compared.")
    left_out: list[LeftOutNumber] = Field(description="The accounts that are not compared, and why.")


class Benchmark(Shape):
    """The accounts of a group on one platform over one period, compared metric by metric."""

    period: BenchmarkPeriod = Field(description="The kind of the period.")
    period_start: Instant = Field(description="The start of its first day.")
    period_end: Instant = Field(description="The end of its last day, exclusive.")
    period_label: str = Field(description="Its name: `2026-W48`, `2026-11`, or the range.")
    status: RollupStatus = Field(
        description="open: the period has not ended; partial: days of an account that is read are missing."
    )
    platform: Platform = Field(description="The platform of all its accounts.")
    group: str = absent("The name of the group; absent for the accounts that have none.")
    engagement_parts: list[str] = Field(description="What the engagement of a post is the sum of on this platform.")
    notes: list[str] = Field(description="What is not to be compared on this platform, in whole sentences.")
    accounts: list[BenchmarkAccount] = Field(description="The accounts of the group, by key.")
    metrics: list[MetricComparison] = Field(description="The comparison by metric, in the order of the request.")


class BenchmarksMeta(Meta):
    """The meta of benchmarks: the range, the calendar, and the platforms that are left out."""

    start_date: Day = Field(description="The first day of the range.")
    end_date: Day = Field(description="The last day of the range.")
    period: BenchmarkPeriod = Field(description="The kind of the periods.")
    calendar: CalendarFields = Field(description="The calendar of the workspace.")
    platforms_off: list[Platform] = Field(description="The platforms that the workspace switched off for watching.")


class Benchmarks(Shape):
    """A page of groups of watched accounts: by period, then platform, then group."""

    data: list[Benchmark]
    page: Page
    meta: BenchmarksMeta
