"""Tests that the page of settings equals what the code generates."""

from pathlib import Path

from tidemark.settings_page import page


def test_page_in_the_repo_is_up_to_date() -> None:
    assert (Path(__file__).parents[2] / "docs" / "settings.md").read_text() == page()
