"""The parts of the dashboard that follow from the facts of the platforms: names, and styles of colours."""

import json
from collections.abc import Callable

from metrics.platforms.facts import Colours
from metrics.platforms.registry import FACTS


def platforms_module() -> str:
    """Return the text of the ES module `platforms-list.js`: titles by name in their order, and which have a login."""
    titles = {name: facts.title for name, facts in FACTS.items()}
    logins = [name for name, facts in FACTS.items() if facts.login is not None]
    return f"export const TITLES = {json.dumps(titles)};\nexport const LOGINS = {json.dumps(logins)};\n"


def platform_styles() -> str:
    """Return the style sheet with a custom property for each platform's colour, in both themes, and a class with it."""
    dark = _properties(lambda colours: colours.dark)
    return "\n".join(
        [
            f":root {{ {_properties(lambda colours: colours.light)} }}",
            f'@media (prefers-color-scheme: dark) {{ :root:not([data-theme="light"]) {{ {dark} }} }}',
            f':root[data-theme="dark"] {{ {dark} }}',
            *(f".platform-{name} {{ background: var(--platform-{name}); }}" for name in FACTS),
            "",
        ]
    )


def _properties(colour: Callable[[Colours], str]) -> str:
    return " ".join(f"--platform-{name}: {colour(facts.colours)};" for name, facts in FACTS.items())
