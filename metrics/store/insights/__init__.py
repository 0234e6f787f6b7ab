"""Collections of statements about metrics, such as forecasts: a module per collection."""

from collections.abc import Mapping

OF_POSTS: Mapping[str, tuple[str, int]] = {
    "post_curves": ("publishedAt", 200),
    "content_decay": ("day", 120),
    "best_times": ("day", 400),
    "post_outlooks": ("publishedAt", 200),
}
"""The collections about posts: the field with the time of a document, and the days after it that it is kept."""
