"""Look accounts up, read them, and store what was read; what could not be read is returned with the reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metrics.documents import Document, WatchedDocument
from metrics.errors import MongoUnavailable
from metrics.store import Store
from metrics.watching.looks import note_found
from pipelines.collect.reasons import error_place
from pipelines.platforms.errors import RateLimited
from pipelines.platforms.public.base import PublicSnapshot, Refusal, Resolved, Skipped
from pipelines.watching.budgets import WatchedPosts
from pipelines.watching.keep import Keeper
from pipelines.watching.lenders import Lender
from pipelines.watching.members import Group, group_of, member_of
from pipelines.watching.route import Route, Unread

Missed = tuple[WatchedDocument, Unread]
"""An account that was not read, and why."""


@dataclass(frozen=True, slots=True)
class Look:
    """Reads accounts on one route; the threads of a run share it. `shared` says that one reading serves workspaces.

    The methods raise `MongoUnavailable` if MongoDB does not answer, and nothing else.
    """

    store: Store
    route: Route
    keeper: Keeper
    budget: WatchedPosts | None
    shared: bool

    def resolve(
        self, accounts: Sequence[WatchedDocument], lender: Lender | None
    ) -> tuple[list[WatchedDocument], list[Missed]]:
        """Look accounts up by their keys; return those that the platform shows, as they are then, and the others."""
        keys = list(dict.fromkeys(one["key"] for one in accounts))
        outcomes = self.route.ask(keys, lender, self.route.reader.resolve)
        found, missed = list[WatchedDocument](), list[Missed]()
        for one in accounts:
            outcome = outcomes[one["key"]]
            if not isinstance(outcome, Resolved):
                missed.append((one, outcome))
                continue
            known = note_found(self.store, one, outcome.platform_account_id, outcome.handle, self.keeper.now)
            if known is None:
                self.keeper.same(one)
            else:
                found.append(known)
        return found, missed

    def read(self, accounts: Sequence[WatchedDocument], lender: Lender | None) -> list[Missed]:
        """Read accounts whose platform's ids are known, and store what was read; return the others."""
        groups, missed = self._groups(accounts)
        by_key = {group.account.key: group for group in groups}
        self.keeper.report.add(reads=len(groups))
        results = self.route.ask(
            list(by_key),
            lender,
            lambda keys, access, tally: self.route.reader.read([by_key[key].account for key in keys], access, tally),
        )
        for key, result in results.items():
            group = by_key[key]
            if self.budget is not None:
                # Posts that were read by their ids were counted when they were answered.
                self.budget.settle(group.reserved, ())
            if isinstance(result, PublicSnapshot):
                self._keep(group, result)
            else:
                missed += [(member.watched, result) for member in group.members]
        return missed

    def settle(self, missed: Sequence[Missed]) -> None:
        """Note of accounts why they were not read."""
        for watched, why in missed:
            try:
                self._settle(watched, why)
            except MongoUnavailable:
                raise
            except Exception as error:  # noqa: BLE001
                # The other accounts must be noted whatever this error is.
                self.keeper.broken(watched, error_place(error))

    def _settle(self, watched: WatchedDocument, why: Unread) -> None:
        if isinstance(why, Refusal):
            self.keeper.refused(watched, why)
        elif isinstance(why, Skipped):
            self.keeper.skipped(watched, why.error)
        else:
            self.keeper.broken(watched, error_place(why))

    def _groups(self, accounts: Sequence[WatchedDocument]) -> tuple[list[Group], list[Missed]]:
        together: dict[str, list[WatchedDocument]] = {}
        for one in accounts:
            together.setdefault(one["platformAccountId"] if self.shared else one["_id"], []).append(one)
        memories: Mapping[str, Document] = self.store.memories.of_all([one["_id"] for one in accounts])
        found, missed = list[Group](), list[Missed]()
        for same in together.values():
            try:
                members = [
                    member_of(self.store, one, memories.get(one["_id"], {}), self.keeper.now, self.budget)
                    for one in same
                ]
                found.append(group_of(members, self.budget))
            except RateLimited as error:
                missed += [(one, Skipped(error)) for one in same]
        return found, missed

    def _keep(self, group: Group, found: PublicSnapshot) -> None:
        self.keeper.report.add(posts_held_back=group.held_back)
        for member in group.members:
            try:
                self.keeper.read(member, found, group.wanted.memory, group.held_back, shared=self.shared)
            except MongoUnavailable:
                raise
            except Exception as error:  # noqa: BLE001
                # The other accounts must be stored whatever this error is.
                self.keeper.broken(member.watched, error_place(error))
