"""The packages that docs/architecture.md describes are those that import-linter checks, in the same order."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LAYERED = ("metrics", "pipelines", "serving")
MOST_MODULES = 20
"""A folder with more modules than that is no longer searched by eye."""


def layers_of_contract(package: str) -> list[set[str]]:
    """Return the layers of a package, the highest first, as import-linter checks them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = (one for one in contracts if one.get("containers") == [package])
    return [set(re.split(r" [|:] ", layer)) for layer in contract["layers"]]


def layers_of_page(package: str) -> Iterator[set[str]]:
    """Yield the rows of a package's table in docs/architecture.md, as names of modules and packages."""
    page = (ROOT / "docs" / "architecture.md").read_text()
    section = page.split(f"### `{package}`", 1)[1].split("\n#", 1)[0]
    for row in section.splitlines():
        if row.startswith("| `"):
            yield {name.removesuffix("/").removesuffix(".py") for name in re.findall(r"`([^`]+)`", row.split("|")[1])}


@pytest.mark.parametrize("package", LAYERED)
def test_table_of_packages_is_what_the_linter_checks(package: str) -> None:
    contract, page = layers_of_contract(package), list(layers_of_page(package))
    # The modules on the ground of metrics are one row without names.
    assert page == (contract[:-1] if package == "metrics" else contract)


@pytest.mark.parametrize("package", LAYERED)
def test_every_module_has_a_layer(package: str) -> None:
    named = set().union(*layers_of_contract(package))
    there = {
        path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert there - {"__init__"} == named


def test_no_folder_has_more_modules_than_a_person_searches() -> None:
    folders = [path for package in (*LAYERED, "simulator", "tidemark") for path in (ROOT / package).rglob("*")]
    sizes = {str(f.relative_to(ROOT)): len(list(f.glob("[!_]*.py"))) for f in folders if f.is_dir()}
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}
