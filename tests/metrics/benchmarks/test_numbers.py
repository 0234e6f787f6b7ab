"""What platforms say of public numbers stands in the page that explains it; followers are rounded to steps."""

from pathlib import Path

import pytest

from metrics.benchmarks.catalog import notes_of
from metrics.benchmarks.numbers import step_of
from metrics.documents import PLATFORMS, Platform

PAGE = Path(__file__).parents[3] / "docs" / "what-cannot-be-compared.md"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_notes_stand_in_the_page(platform: Platform) -> None:
    text = " ".join(PAGE.read_text().split())
    assert notes_of(platform)
    assert [note for note in notes_of(platform) if f"*{note}*" not in text] == []


@pytest.mark.parametrize(("followers", "step"), [(999, 1), (1000, 10), (9999, 10), (12300, 100), (1_230_000, 10_000)])
def test_step_is_that_of_three_digits(followers: int, step: int) -> None:
    assert step_of("youtube", followers) == step
    assert step_of("instagram", followers) == 1
