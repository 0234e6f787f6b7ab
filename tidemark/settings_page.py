"""Generator of `docs/settings.md` from the settings: `python -m tidemark.settings_page > docs/settings.md`."""

import sys

from metrics.settings import PREFIX, Settings

_HEAD = """# Settings

Environment variables, or lines of a `.env` file in the working folder. A wrong value stops the start with one line that
names the variable. This page is made from the code: `python -m tidemark.settings_page > docs/settings.md`.

| variable | default | meaning |
|---|---|---|
"""


def page() -> str:
    """Return the text of the page. The settings of the platforms, which the class inherits, come last."""
    rows = []
    own = Settings.__annotations__
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: item[0] not in own):
        default = "" if field.default in (None, ()) else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
