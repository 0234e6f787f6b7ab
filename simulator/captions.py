"""Captions of simulated posts, of the kinds that clients have to cope with: a pure function of a post's number."""

from datetime import date
from functools import lru_cache

LONGEST = 2200
"""Characters of the longest caption, the limit of Instagram."""

_PLAIN = (
    "Opening on Saturday at nine: bread, coffee and a small surprise",
    "Behind the scenes of our new collection",
    "Three things that we learned this month",
    "Thank you for the best week of the year",
    "New in the shop: only forty pieces",
    "Questions and answers with the whole team",
)
_SPECIAL = (
    "Family day 👨‍👩‍👧‍👦 with Zoë 👩🏽‍🍳, 🇫🇷 and 🇯🇵: see you on Sunday! 🎉",
    "صباح الخير! خصم ٢٠٪ على كل المنتجات حتى نهاية الأسبوع — Summer Sale",
    "<script>alert('caption')</script> <b>Bread & butter</b> < 3 €",
    "Recipe of the day\n\n1. Flour\n2. Water\n\n\tEnjoy!\n.\n.\n#baking #bread #sourdough",
)
_KINDS = 12
_NONE, _LONG = 0, 1
_FIRST_SPECIAL = 2


@lru_cache(maxsize=32_768)
def caption(number: int, day: date, longest: int = LONGEST) -> str | None:
    """Return the caption of a post with a number, published on a day; None if the author wrote none.

    One post in twelve has no caption, one has the longest possible; four have emoji, right-to-left text, HTML or many
    lines. The others have a sentence and the day.
    """
    kind = (number * 2_654_435_761 >> 8) % _KINDS
    if kind == _NONE:
        return None
    text = f"{_PLAIN[kind % len(_PLAIN)]}, {day:%d %B}"
    if kind == _LONG:
        text = f"{text}. " * (longest // len(text) + 1)
    elif kind - _FIRST_SPECIAL < len(_SPECIAL):
        text = f"{_SPECIAL[kind - _FIRST_SPECIAL]} ({day:%d %B})"
    return text[:longest]
