"""The brute-force reference for watched accounts: public parts of engagement, days of coverage, and new posts."""

from datetime import datetime
from typing import Any

from metrics.documents import PostDocument
from tests.pipelines.rollup.reference import DAY, HOUR, SUMS, TOTALS, Entry, Reference

KINDS = ("post", "reel", "story")
PARTS = {
    "instagram": {"post": ["likes", "comments"], "reel": ["likes", "comments"]},
    "facebook": {"post": ["likes", "comments", "shares"]},
    "twitter": {kind: ["likes", "comments", "shares", "saves"] for kind in KINDS},
    "youtube": {kind: ["likes", "comments"] for kind in KINDS},
    "bluesky": {kind: ["likes", "comments", "shares", "saves"] for kind in KINDS},
}
"""The parts that platforms show of posts of others, copied by hand from docs/what-cannot-be-compared.md."""
SHOWN = {
    "instagram": {"likes", "comments", "views"},
    "facebook": {"likes", "comments", "shares"},
    "twitter": {"likes", "comments", "shares", "saves", "impressions", "videoViews"},
    "youtube": {"likes", "comments", "views"},
    "bluesky": {"likes", "comments", "shares", "saves"},
}
SEEN = {"instagram": "views", "twitter": "impressions", "youtube": "views"}
HIDES_LIKES = {"instagram", "youtube"}


class PublicReference(Reference):
    """The same inputs, of watched accounts."""

    def parts(self, post: PostDocument) -> list[str]:
        return PARTS.get(post["platform"], {}).get(post["metricType"], [])

    def account(self, account_id: str, start: datetime, end: datetime, period: str) -> dict[str, Any] | None:
        found = super().account(account_id, start, end, period)
        if found is None:
            return None
        platform, metrics = self._account(account_id)["platform"], found["aggregatedMetrics"]
        metrics |= self.of_new_posts(account_id, start, end, period)
        shown = SHOWN.get(platform, set())
        reasons = {
            f"total{name[0].upper()}{name[1:]}": "no_observation" if name in shown else "not_supported"
            for name in TOTALS
        }
        reasons["totalEngagement"] = "no_observation" if shown else "not_supported"
        reasons |= dict.fromkeys((*SUMS, "reach"), "not_supported")
        reasons |= dict.fromkeys(("engagementOfNewPosts", "viewsOfNewPosts"), "no_observation")
        reasons = {**found["unavailable"], **reasons}
        found["unavailable"] = {name: reason for name, reason in reasons.items() if name not in metrics}
        return found

    def of_new_posts(self, account_id: str, start: datetime, end: datetime, period: str) -> dict[str, Any]:
        subjects = self.subjects(account_id, start, end, period)
        new = [
            (post, subjects.get(post["_id"], {}))
            for post in self.posts if post["accountId"] == account_id and start <= post["publishedAt"] < end
        ]  # fmt: skip
        measured = [nets for post, entries in new if (nets := self._nets(post, entries)) is not None]
        hidden = [
            post for post, entries in new
            if post["platform"] in HIDES_LIKES and "likes" in self.parts(post) and "likes" not in entries
            and any(part in entries for part in self.parts(post))
        ]  # fmt: skip
        metric = SEEN.get(self._account(account_id)["platform"], "")
        viewed = [entries[metric]["net"] for _, entries in new if metric in entries]
        return {
            "measuredPosts": len(measured), "hiddenPosts": len(hidden), "viewedPosts": len(viewed),
            **({"engagementOfNewPosts": sum(measured)} if measured else {}),
            **({"viewsOfNewPosts": sum(viewed)} if viewed else {}),
        }  # fmt: skip

    def _nets(self, post: PostDocument, entries: dict[str, Entry]) -> int | None:
        parts = self.parts(post)
        return sum(entries[part]["net"] for part in parts) if parts and all(p in entries for p in parts) else None

    def _coverage(self, account_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        days = [start + n * DAY for n in range((end - start) // DAY)]
        watched = {day for day in days if self._account(account_id)["connectedAt"] < day + DAY}
        observed = {
            slot.replace(hour=0) for name in ("followers", "following", "posts", "likesReceived")
            for slot, _ in self.values(account_id, name)
            if start <= slot < end and self.connected(account_id, slot + HOUR)
        }  # fmt: skip
        begun = {day for day in watched if day + 2 * HOUR <= self.now}
        status = "open" if self.now < end else "partial" if len(observed) < len(begun) else "complete"
        expected = max(len(begun), len(observed))
        return {"coverage": {"expectedDays": expected, "observedDays": len(observed)}, "status": status}
