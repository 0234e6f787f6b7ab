"""What the dashboard derives from the facts of the platforms: names, colours and symbols."""

import re
from itertools import combinations
from pathlib import Path

import pytest

from metrics.platforms.registry import FACTS
from serving.dashboard import page
from serving.dashboard.platforms import platform_styles, platforms_module

STATIC = Path(page.__file__).parent / "static"
GROUNDS = {"light": "#ffffff", "dark": "#151d25"}
"""The cards, `--card` in `tokens.css`."""


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", GROUNDS)
@pytest.mark.parametrize("platform", FACTS)
def test_colour_stands_out_from_the_cards(platform: str, theme: str) -> None:
    assert f"--card: {GROUNDS[theme]}" in (STATIC / "tokens.css").read_text()
    ground, colour = luminance(GROUNDS[theme]), luminance(getattr(FACTS[platform].colours, theme))  # type: ignore[index]
    assert (max(ground, colour) + 0.05) / (min(ground, colour) + 0.05) >= 3


@pytest.mark.parametrize("theme", GROUNDS)
def test_colours_of_two_platforms_differ(theme: str) -> None:
    for one, other in combinations(FACTS.values(), 2):
        first, second = getattr(one.colours, theme), getattr(other.colours, theme)
        distance = sum((int(first[at : at + 2], 16) - int(second[at : at + 2], 16)) ** 2 for at in (1, 3, 5)) ** 0.5
        assert distance > 40, (one.name, other.name)


def test_every_platform_has_its_name_colour_and_symbol() -> None:
    module, styles = platforms_module(), platform_styles()
    for name, facts in FACTS.items():
        assert f'"{name}": "{facts.title}"' in module
        assert styles.count(f"--platform-{name}: {facts.colours.light};") == 1
        assert styles.count(f"--platform-{name}: {facts.colours.dark};") == 2
        assert f".platform-{name} {{" in styles
    palette = (STATIC / "palette.js").read_text()
    symbols = re.findall(r'"([a-z-]+)"', palette.split("SYMBOLS = [")[1].split("]")[0])
    assert len(set(symbols)) == len(symbols) > len(FACTS), "a symbol for each platform, and one for unknown ones"
    drawn, marks = (STATIC / "paint.js").read_text(), (STATIC / "parts.css").read_text()
    for symbol in symbols:
        assert re.search(rf'^  "?{symbol}"?: ', drawn, re.MULTILINE)
        assert f".mark.{symbol} {{" in marks


def test_no_file_of_the_dashboard_names_a_platform() -> None:
    for file in STATIC.glob("*.*s*"):
        text = file.read_text().lower()
        assert not [name for name in FACTS if name in text], file.name
