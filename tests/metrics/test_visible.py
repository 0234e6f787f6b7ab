"""Invisible characters become escapes; readable characters stay as they are."""

import pytest

from metrics.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [/x] text", "plain [/x] text"),
        ("Müller 東京 🙂", "Müller 東京 🙂"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("a\nb\tc\0", r"a\nb\tc\x00"),
        ("\u202egnp.exe", r"\u202egnp.exe"),
        ("a\u200bb\ufeff\u2028", r"a\u200bb\ufeff\u2028"),
        ("a\u00a0b", r"a\xa0b"),
        ("\ud800", r"\ud800"),
        ("\x9b31m", r"\x9b31m"),
    ],
)
def test_hidden_characters_are_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown
