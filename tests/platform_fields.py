"""Names of the platforms' own fields, from their facts, and the modules that read lists by pages."""

from importlib import import_module
from pkgutil import iter_modules

import pytest

from metrics.documents import Platform
from metrics.platforms.registry import FACTS
from pipelines import platforms


def followers_field(platform: Platform) -> str:
    """Return a platform's field of the followers of an account."""
    offer = FACTS[platform].account_offer("followers")
    assert offer is not None
    return offer.field


def set_page_sizes(patch: pytest.MonkeyPatch, size: int) -> None:
    """Have every platform ask for pages of so many posts."""
    found = 0
    for package in iter_modules(platforms.__path__, f"{platforms.__name__}."):
        if package.ispkg and any(one.name == "posts" for one in iter_modules(import_module(package.name).__path__)):
            module = import_module(f"{package.name}.posts")
            patch.setattr(module, "PAGE", size)
            found += 1
    assert found >= 4
