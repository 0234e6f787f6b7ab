"""Messages of a platform reach logs without its names and ids."""

import pytest

from pipelines.collect.redaction import redact
from tests.serving.conftest import account

ACCOUNT = {**account("acc_1", "w"), "handle": "amber.studio", "platformAccountId": "1784"}


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("Object with ID '17841400000000001' does not exist", "Object with ID '…' does not exist"),
        ("no access to urn:li:organization:42 at 2026-01-15T10:00:00Z", "no access to … at 2026-01-15T10:00:00Z"),
        ("@amber.studio (1784) has 200 posts", "@… (…) has 200 posts"),
        ("amber.studios stays, 17840 too", "amber.studios stays, 17840 too"),
    ],
)
def test_names_of_the_platform_go_and_the_rest_stays(message: str, kept: str) -> None:
    assert redact(message, ACCOUNT) == kept  # type: ignore[arg-type]
