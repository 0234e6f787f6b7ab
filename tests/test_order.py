"""The order of the suite names files that exist, and keeps tests with a shared fixture together."""

from pathlib import Path

import pytest

from tests.order import FIRST, arrange, group_of

ROOT = Path(__file__).parents[1]

pytest_plugins = ("pytester",)

MODULE = """
import pytest

@pytest.fixture(scope="module")
def server():
    return 1

@pytest.fixture
def client(server):
    return 2

def test_alone(): ...

def test_served(client): ...
"""


@pytest.mark.parametrize("path", FIRST)
def test_first_files_are_there(path: str) -> None:
    assert (ROOT / path).exists()


def test_tests_with_a_fixture_of_their_module_are_a_group(pytester: pytest.Pytester) -> None:
    alone, served = pytester.getitems(MODULE)
    assert group_of(alone) is None
    assert group_of(served) == served.nodeid.split("::")[0]
    arrange([alone, served])
    assert served.get_closest_marker("xdist_group") is not None
    assert alone.get_closest_marker("xdist_group") is None
