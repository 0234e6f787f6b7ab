"""The example of an answer of `benchmarks`, in full: six others and the own account, of which one cannot be read."""

from typing import Any

Json = dict[str, Any]

_OTHERS = (
    (12_480, 96, 4, 612),
    (8_310, -20, 2, 118),
    (40_120, 210, 6, 1_904),
    (5_240, 15, 1, 33),
    (19_875, 60, 3, 420),
)
"""Followers, their growth, posts and engagement of the others."""
_GROUP = 3_299
_MINE = (18_250, 211, 3, 212)


def _numbers(followers: int, growth: int, posts: int, engagement: int) -> Json:
    return {
        "followers": followers,
        "followerGrowth": growth,
        "followerGrowthRate": round(100 * growth / (followers - growth), 4),
        "posts": posts,
        "postsByType": {"image": posts},
        "engagement": engagement,
        "engagementPerPost": round(engagement / posts, 2),
        "engagementPer1000Followers": round(1000 * engagement / followers, 4),
        "shareOfEngagement": round(100 * engagement / _GROUP, 4),
    }


def _account(key: str, numbers: tuple[int, int, int, int], **more: str) -> Json:
    return {
        "key": f"@{key}",
        "handle": key,
        **more,
        "source": "public",
        "state": "active",
        "coverage": {"days": 7, "observedDays": 7},
        "measuredPosts": numbers[2],
        "hiddenPosts": 0,
        "viewedPosts": 0,
        "numbers": _numbers(*numbers),
        "unavailable": {"viewsPerPost": "no_observation"},
    }


_GONE: Json = {
    "key": "@old.beans",
    "handle": "old.beans",
    "source": "public",
    "state": "not_found",
    "stateReason": "Instagram shows no professional account with this name.",
    "coverage": {"days": 7, "observedDays": 0},
    "measuredPosts": 0,
    "hiddenPosts": 0,
    "viewedPosts": 0,
    "numbers": {},
    "unavailable": {"followers": "not_found", "engagement": "not_found"},
}
_LEFT_OUT: Json = {"leftOut": [{"key": "@old.beans", "reason": "not_found"}]}
_FOLLOWERS: Json = {
    "metric": "followers", "unit": "people", "n": 5, "median": 12480, "p25": 8310, "p75": 19875,
    "own": [
        {"key": "@acme.coffee", "accountId": "acc_7kq2", "value": 18250, "percentileRank": 60, "gapToMedian": 5770},
    ],
    **_LEFT_OUT,
}  # fmt: skip
_VIEWS: Json = {
    "metric": "viewsPerPost", "unit": "count", "basis": "viewedPosts", "n": 0, "unavailable": "too_few", "own": [],
    "leftOut": [{"key": "@rival.coffee", "reason": "no_observation"}, *_LEFT_OUT["leftOut"]],
}  # fmt: skip
BENCHMARKS: list[Json] = [
    {
        "period": "weekly", "periodStart": "2026-01-12T00:00:00Z", "periodEnd": "2026-01-19T00:00:00Z",
        "periodLabel": "2026-W03", "status": "complete", "platform": "instagram", "group": "coffee",
        "engagementParts": ["likes", "comments"],
        "notes": ["A post whose likes are hidden is in no engagement and in no number per post."],
        "accounts": [
            _account("acme.coffee", _MINE, own="acc_7kq2"),
            _GONE,
            *[_account(f"rival{n}.coffee", numbers) for n, numbers in enumerate(_OTHERS, 1)],
        ],
        "metrics": [_FOLLOWERS, _VIEWS],
    },
]  # fmt: skip
