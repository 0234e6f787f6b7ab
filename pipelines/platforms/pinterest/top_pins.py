"""Reads which pins were shown most in the last days: Pinterest names up to fifty of them, however old they are.

Pins go on being found for years, but pins that are older than `FOLLOWED` are not read by their age. This call tells
which of them still move. Its numbers are sums over a range that slides, so they are not stored: they choose the pins.

Facts: docs/platform-facts.md#pinterest-analytics.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from pipelines.platforms.answers import id_of, items_of
from pipelines.platforms.numbers import ABSENT, Numbers, field_of
from pipelines.platforms.pinterest.answers import ID, parsing_answer, reason_of

PATH = "user_account/analytics/top_pins"
MOST_PINS = 50
DAYS = 7
"""A week, so that a pin which is found on some days only is read on all of them."""
SORT = "IMPRESSION"

Ask = Callable[[str, Mapping[str, str]], Mapping[str, Any]]
"""Sends a GET request for a path with parameters; returns the body."""


def read_top_pins(ask: Ask, last: date) -> dict[str, int]:
    """Return how often each of the most shown pins was shown in the week that ends with the day `last`.

    Pins that others made of the account's website are left out, and so are pins that were not shown.

    Raises:
        PlatformError: the request failed, or the answer has an unexpected form.
    """
    params = {
        "start_date": (last - timedelta(days=DAYS - 1)).isoformat(),
        "end_date": last.isoformat(),
        "sort_by": SORT,
        "metric_types": SORT,
        "num_of_pins": str(MOST_PINS),
        "source": "YOUR_PINS",
    }
    body = ask(PATH, params)
    with parsing_answer():
        return shown_pins(body)


def shown_pins(body: Mapping[str, Any]) -> dict[str, int]:
    """Return how often the pins of an answer were shown, by their ids; pins without a known number are left out.

    Raises:
        LookupError, TypeError, ValueError: the answer has an unexpected form.
    """
    numbers = Numbers()
    for item in items_of(body["pins"]):
        status = field_of(item["data_status"], SORT)
        if status is ABSENT or reason_of(status) is None:
            numbers.take(id_of(item["pin_id"], ID), field_of(item["metrics"], SORT), "no_observation")
    return {name: int(value) for name, value in numbers.metrics.items() if value > 0}
