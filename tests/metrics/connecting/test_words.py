"""A platform's words about an error are shown without the secrets that it quotes."""

from typing import Any

import pytest

from metrics.connecting.words import platform_words
from metrics.web import Answer

SECRET = "code-1"


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"error": "invalid_grant", "error_description": "Bad Request."}, "invalid_grant: Bad Request"),
        ({"error": {"message": "This code was used.", "code": 100}}, "This code was used"),
        (
            {"error_type": "OAuthException", "error_message": "Matching code was not found"},
            "Matching code was not found",
        ),
        ({"error": f"the code {SECRET} is bad"}, "the code … is bad"),
        ({"error": "token " + "a" * 41}, "token …"),
        ({"error": "line\nbreak\u202e"}, r"line\nbreak\u202e"),
        ({"error": 3}, "status 400"),
        ({"error": {"message": {}}}, "status 400"),
        ([], "status 400"),
        (None, "status 400"),
    ],
)
def test_words_are_plain(body: Any, shown: str) -> None:
    assert platform_words(Answer(400, b""), body, {SECRET}) == shown


def test_long_words_are_cut() -> None:
    assert len(platform_words(Answer(400, b""), {"error": "many words " * 100}, ())) <= 200
