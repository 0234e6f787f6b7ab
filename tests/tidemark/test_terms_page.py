"""Tests of the page of the platforms' terms: it equals what the code generates, and covers every platform."""

import re
from pathlib import Path

import pytest

from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from pipelines.platforms.registry import PLATFORMS_IMPLEMENTED
from tidemark.terms_page import page

DOCS = Path(__file__).parents[2] / "docs"


def test_page_in_the_repo_is_up_to_date() -> None:
    assert (DOCS / "terms.md").read_text() == page()


@pytest.mark.parametrize("platform", PLATFORMS_IMPLEMENTED)
def test_every_platform_says_what_its_terms_demand(platform: Platform) -> None:
    facts = FACTS[platform]
    section = page().split(f"\n## {facts.title}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 2, "the content of posts, and what else the terms name"
    for row in rows:
        data, rule, obeyed, source = (cell.strip() for cell in row.strip("|").split(" | "))
        assert all((data, source)), row
        assert all(text.endswith(".") for text in (rule, obeyed)), row
    if facts.content.unseen is not None:
        assert re.search(rf"removed (\d+) (days|hours) after {facts.title} last returned it", section)
    needs_consent = facts.derived_needs_consent or facts.storing_needs_consent
    assert ("tidemark consents give" in section) == needs_consent
