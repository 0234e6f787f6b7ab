"""Assets are tried with accounts that publish little."""

import pytest


@pytest.fixture(autouse=True)
def _few_posts_by_default(few_posts: None) -> None:
    """Let accounts publish a fifth of their usual posts, unless a test says that it needs every post."""
