"""One account in one slot: read, written, recorded, announced. What fails here fails alone."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from metrics.catalog import metrics_of
from metrics.clock import utcnow
from metrics.documents import AccountDocument, CollectionDocument, Observation, PostDocument
from metrics.errors import CredentialError, RedisUnavailable
from metrics.events import Announcer, Event, account_status, observed
from metrics.ids import post_id
from metrics.periods import HOUR, midnight
from metrics.store import Store, publications
from metrics.store.collected import record_id
from pipelines.collect import observe
from pipelines.collect.budget import PostBudget
from pipelines.collect.credentials import Credentials
from pipelines.collect.ladder import FOLLOWED_UNTIL, due
from pipelines.collect.nameless import nameless
from pipelines.collect.pauses import Pauses
from pipelines.collect.report import CollectReport, Failure, Part
from pipelines.platforms.base import Access, AccountReading, PlatformApi, Post, ProviderDays, Tally
from pipelines.platforms.errors import NeedsReauth, PlatformError, RateLimited

_LONGEST_MESSAGE = 500
_MOST_PROBLEMS = 20
_DAY_METRICS = frozenset(m.name for m in metrics_of("account", "period_sum", "period_unique"))


@dataclass(frozen=True)
class AccountCollector:
    """Collects accounts of one platform; shared by the threads of a run."""

    store: Store
    announcer: Announcer
    credentials: Credentials
    api: PlatformApi
    pauses: Pauses
    budget: PostBudget
    slot: datetime
    old: bool
    now: datetime
    run_id: str

    def collect(self, account: AccountDocument) -> CollectReport:
        """Collect one account. Only what concerns everyone (MongoDB away) is raised; all else is recorded."""
        report = CollectReport(account["platform"], self.slot, expected=1, workspaces={account["workspaceId"]})
        tally = Tally()
        started = time.monotonic()
        try:
            observations = self._read(account, tally, report)
        except (PlatformError, CredentialError) as error:
            if isinstance(error, RateLimited):
                self.pauses.note(account, error)
            self._fail(account, error, tally, report)
        else:
            if limit := tally.limited or tally.near_limit:
                self.pauses.note(account, limit)
            self._succeed(account, observations, tally, report)
        report.calls, report.requests, report.retries = tally.calls, tally.requests, tally.retries
        report.waited_seconds = min(tally.waited_seconds, time.monotonic() - started)
        return report

    def _read(self, account: AccountDocument, tally: Tally, report: CollectReport) -> list[Observation]:
        self.pauses.check(account)
        access = self._renewed_in_time(account, self.credentials.open(account), tally, report)
        try:
            return self._observe(account, access, tally, report)
        except NeedsReauth:
            renewed = self.credentials.renew(account, access, self.now, tally)
            if renewed is None:
                raise
            return self._observe(account, renewed, tally, report)

    def _renewed_in_time(self, account: AccountDocument, access: Access, tally: Tally, report: CollectReport) -> Access:
        """Renew credentials that end soon; until they do, the old ones serve."""
        if not self.credentials.due(access, self.now):
            return access
        try:
            return self.credentials.renew(account, access, self.now, tally) or access
        except PlatformError as error:
            self._note_part(account, "token", f"could not be renewed: {error}", report)
            return access

    def _observe(
        self, account: AccountDocument, access: Access, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        found: list[Observation] = []
        if self.old:
            report.not_recoverable.update(("snapshots of accounts", "snapshots of posts"))
        else:
            found += self._snapshot(account, access, tally, report)
        days = self.api.days
        if days is not None and (self.old or self.slot.hour in days.hours):
            try:
                found += self._days(account, access, days, tally)
            except NeedsReauth:
                raise
            except PlatformError as error:
                if self.old:
                    raise
                # What is true now cannot be read again: it is kept. The days can, as long as they settle.
                self._note_part(account, "days", str(error), report, _reason(error))
                if isinstance(error, RateLimited):
                    tally.limited = error
        return found

    def _snapshot(
        self, account: AccountDocument, access: Access, tally: Tally, report: CollectReport
    ) -> list[Observation]:
        since = self.now - FOLLOWED_UNTIL
        stored = self.store.posts.of_account(account["_id"], since=since, alive=False)
        followed = [observe.post_of(post) for post in stored if "deletedAt" not in post and _alive(post, self.now)]
        resting = [post for post in followed if not due(post.published_at, self.slot)]
        seen = self.store.observations.ever_observed([_id(account, post) for post in resting]) if resting else set()

        def on_the_ladder(post: Post) -> bool:
            # A post that the publishing module named, or one found late, is read at once.
            return due(post.published_at, self.slot) or _id(account, post) not in seen

        is_due: Callable[[Post], bool] = on_the_ladder
        if self.budget.limited:
            is_due = self._within_budget(account, [post for post in followed if on_the_ladder(post)], report)
        known = {post["platformPostId"] for post in stored}
        reading = self.api.read(access, followed, is_due, known, tally)
        self._note_posts(account, reading, {post["_id"]: post for post in stored})
        report.quarantined |= reading.quarantined
        why = "rate_limited" if tally.limited else "provider_error"
        for what, message in reading.failures.items():
            self._note_part(account, what, message, report, why)
        return list(observe.observations(account, reading, self.slot, self.run_id, self.api.api_version))

    def _within_budget(
        self, account: AccountDocument, posts: list[Post], report: CollectReport
    ) -> Callable[[Post], bool]:
        """Hold back the oldest posts where the day's budget does not reach for all."""
        newest_first = sorted(posts, key=lambda post: post.published_at, reverse=True)
        allowed = self.budget.within([post.platform_post_id for post in newest_first])
        if len(allowed) < len(posts):
            held_back = f"{len(posts) - len(allowed)} held back: the budget of distinct posts is used until 00:00 UTC"
            self._note_part(account, "posts", held_back, report, "rate_limited")
        return lambda post: post.platform_post_id in allowed

    def _note_part(
        self, account: AccountDocument, what: str, message: str, report: CollectReport, reason: str = "provider_error"
    ) -> None:
        """Record what was not collected of an account whose rest was."""
        text = f"{what}: {message}"
        report.failures.append(
            Failure(account["workspaceId"], account["_id"], "partly collected", reason, nameless(text, account))
        )
        report.parts.append(Part(what, reason, message[:_LONGEST_MESSAGE]))

    def _note_posts(
        self, account: AccountDocument, reading: AccountReading, stored: Mapping[str, PostDocument]
    ) -> None:
        publications.put_posts(
            self.store, account, [observe.post_document(account, p) for p, _ in reading.posts], stored
        )
        self.budget.note(post.platform_post_id for post, _ in reading.posts)
        # One that was listed and taken down before it was read never had a number here.
        ids = (post_id(account["_id"], platform_post_id) for platform_post_id in reading.gone)
        if gone := [stored[our_id] for our_id in ids if our_id in stored]:
            publications.mark_deleted(self.store, account, gone, utcnow())

    def _days(self, account: AccountDocument, access: Access, policy: ProviderDays, tally: Tally) -> list[Observation]:
        """Return what is new of the provider's days: the slot's own for an old slot, else the settling ones."""
        days = [self.slot.date()] if self.old else _newest_days(self.slot + HOUR, policy)
        days = [day for day in days if midnight(day) + policy.lag <= self.now]
        days = [day for day in days if observe.last_slot(day) + HOUR > account["connectedAt"] or self.old]
        if not days:
            return []
        readings = self.api.read_days(access, days, tally)
        known = self._known_days(account, days)
        return list(observe.day_observations(account, readings, known, self.run_id, self.api.api_version))

    def _known_days(self, account: AccountDocument, days: Sequence[date]) -> dict[date, dict[str, int | float]]:
        scope = {"accountId": account["_id"], "metricType": "account"}
        known: dict[date, dict[str, int | float]] = {}
        for day in days:
            rows = self.store.observations.page(scope, midnight(day), observe.last_slot(day) + HOUR, limit=24)
            known[day] = {n: v for row in rows for n, v in row["metrics"].items() if n in _DAY_METRICS}
        return known

    def _succeed(self, account: AccountDocument, found: list[Observation], tally: Tally, report: CollectReport) -> None:
        workspace_id = account["workspaceId"]
        touched = {(workspace_id, "daily", midnight(o.slot.date())) for o in found}
        # Marked before and after: a crash in between leaves a mark, a roll in between leaves the second one.
        self.store.marks.touch(touched)  # type: ignore[arg-type]
        report.rows = self.store.observations.append(found)
        self.store.marks.touch(touched)  # type: ignore[arg-type]
        self._record(account, "skipped" if self.old and not found else "collected", report, tally)
        report.ok = 1
        self._announce(workspace_id, [observed(o) for o in found], report)

    def _fail(
        self, account: AccountDocument, error: PlatformError | CredentialError, tally: Tally, report: CollectReport
    ) -> None:
        report.failed = 1
        reason = _reason(error)
        said = nameless(str(error), account)
        report.failures.append(Failure(account["workspaceId"], account["_id"], "failed", reason, said))
        self._record(account, "failed", report, tally, reason=reason, message=str(error)[:_LONGEST_MESSAGE])
        if isinstance(error, NeedsReauth | CredentialError):
            self.store.accounts.set_state(account["_id"], "needs_reauth", str(error)[:300])
            event = account_status(account["workspaceId"], account["_id"], "needs_reauth", reason)
            self._announce(account["workspaceId"], [event], report)

    def _record(self, account: AccountDocument, state: str, report: CollectReport, tally: Tally, **more: str) -> None:
        record: CollectionDocument = {
            "_id": record_id(account["_id"], self.slot),
            "workspaceId": account["workspaceId"],
            "accountId": account["_id"],
            "platform": account["platform"],
            "slot": self.slot,
            "state": state,
            "finishedAt": utcnow(),
            "runId": self.run_id,
            "observations": report.rows,
            "calls": tally.calls,
            **more,  # type: ignore[typeddict-item]
        }
        if report.not_recoverable:
            record["notRecoverable"] = sorted(report.not_recoverable)
        if report.quarantined:
            record["quarantined"] = sorted(report.quarantined)
        if report.parts:
            record["problems"] = [
                {"what": part.what, "reason": part.reason, "message": part.message}
                for part in report.parts[:_MOST_PROBLEMS]
            ]
        self.store.collections.put([record])

    def _announce(self, workspace_id: str, events: Sequence[Event], report: CollectReport) -> None:
        """Announce; if Redis is away the data stays, and the run is told to come again."""
        try:
            self.announcer.announce(workspace_id, events)
        except RedisUnavailable:
            report.unannounced.add(workspace_id)


def _id(account: AccountDocument, post: Post) -> str:
    return post_id(account["_id"], post.platform_post_id)


def _alive(post: PostDocument, now: datetime) -> bool:
    """Tell whether a post can still be read: a story lives for 24 hours."""
    return post["metricType"] != "story" or now < post["publishedAt"] + timedelta(hours=24)


def _newest_days(end: datetime, policy: ProviderDays) -> list[date]:
    """Return the provider's days that were over at a slot's end, as far back as they still settle."""
    newest = (end - policy.lag).date()
    return [newest - timedelta(days=back) for back in range(policy.settling)]


def _reason(error: Exception) -> str:
    if isinstance(error, RateLimited):
        return "rate_limited"
    if isinstance(error, NeedsReauth | CredentialError):
        return "needs_reauth"
    return error.reason if isinstance(error, PlatformError) else "provider_error"
