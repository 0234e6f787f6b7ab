"""What a refused renewal means: a person has to connect the account again, or the app is wrong for all accounts."""

from pathlib import Path
from typing import Any

import pytest

from pipelines.platforms.errors import BadAnswer, NeedsReauth, PlatformError
from pipelines.platforms.pinterest.answers import raise_for_token
from pipelines.platforms.renewals import raise_for_renewal
from tests.recorded import recorded


@pytest.mark.parametrize(
    ("status", "body", "leaf"),
    [
        (400, {"error": "invalid_grant", "error_description": "revoked"}, NeedsReauth),
        (400, {"error": "invalid_request"}, BadAnswer),
        (400, {"error": "unauthorized_client"}, BadAnswer),
        (401, {"error": "invalid_client"}, BadAnswer),
        (401, {"error": {"code": 401}}, BadAnswer),
        (403, "<html>", BadAnswer),
    ],
)
def test_only_a_dead_grant_needs_a_person(status: int, body: Any, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for_renewal(status, body, "Somewhere")
    assert type(caught.value) is leaf


@pytest.mark.parametrize(("status", "body"), [(200, {"access_token": "a"}), (429, {}), (503, {"error": "busy"})])
def test_other_answers_are_no_refusals(status: int, body: Any) -> None:
    raise_for_renewal(status, body, "Somewhere")


@pytest.mark.parametrize("platform", ["youtube", "tiktok"])
def test_recorded_refusal_needs_a_person(fixtures: Path, platform: str) -> None:
    with pytest.raises(NeedsReauth):
        raise_for_renewal(400, recorded(fixtures, f"{platform}/oauth_error_invalid_grant"), "Somewhere")


@pytest.mark.parametrize(
    ("status", "code", "leaf"), [(401, 283, NeedsReauth), (401, 2, BadAnswer), (400, 1, BadAnswer)]
)
def test_pinterest_tells_by_the_number(status: int, code: int, leaf: type[PlatformError]) -> None:
    with pytest.raises(leaf) as caught:
        raise_for_token(status, {"code": code, "message": "Authentication failed."}, {})
    assert type(caught.value) is leaf
