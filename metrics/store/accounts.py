"""The collection `accounts`: connected accounts and their states. Credentials are stored sealed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import cast

from pymongo import ReplaceOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from metrics.batches import batched
from metrics.clock import utcnow
from metrics.documents import AccountAccess, AccountDocument, AccountState, ConnectedState, Document, Platform
from metrics.errors import NotFound, TidemarkError
from metrics.expected import FIELDS, Connection
from metrics.identity import account_number, same_account_ids
from metrics.store.errors import duplicates, mongo_errors
from metrics.store.setup.identities import normalise_accounts
from metrics.store.setup.namespaces import Namespace

_BATCH = 1000
_ENDED: tuple[AccountState, ...] = ("needs_reauth", "unreachable")
"""States of connected accounts that the platform denies to their token."""


class AccountStore:
    """Reads and writes of accounts; of watched ones, only their ids, workspaces and hours are read (`WatchLists`)."""

    def __init__(self, db: Database[Document], names: Namespace) -> None:
        self._accounts = db[names.accounts]

    def put(self, accounts: Iterable[AccountDocument]) -> int:
        """Insert or replace accounts by id; return how many.

        Raises:
            TidemarkError: another process stored one of these platform accounts under another id meanwhile.
        """
        writes = [ReplaceOne({"_id": a["_id"]}, cast("Document", a), upsert=True) for a in accounts]
        if not writes:
            return 0
        with mongo_errors():
            try:
                self._accounts.bulk_write(writes, ordered=False)
            except BulkWriteError as error:
                failed = duplicates(error)
                raise TidemarkError(
                    f"{len(failed)} of {len(writes)} accounts were connected by another command meanwhile: try again"
                ) from None
        return len(writes)

    def connected(
        self, wanted: Iterable[tuple[str, Platform, str]]
    ) -> dict[tuple[str, Platform, str], AccountDocument]:
        """Return those of the wanted platform accounts that are stored, by workspace, platform and number.

        Each wanted account is a workspace, a platform and a normal form of the platform's id. It is found under each of
        its normal forms. Ids that older versions stored in other forms are normalised first.
        """
        forms: dict[tuple[str, Platform], set[str]] = defaultdict(set)
        for workspace_id, platform, normal in wanted:
            forms[workspace_id, platform].update(same_account_ids(platform, normal))
        found: dict[tuple[str, Platform, str], AccountDocument] = {}
        for (workspace_id, platform), ids in forms.items():
            with mongo_errors():
                normalise_accounts(self._accounts, {"workspaceId": workspace_id, "platform": platform})
            for batch in batched(sorted(ids), _BATCH):
                query = {"workspaceId": workspace_id, "platform": platform, "platformAccountId": {"$in": batch}}
                with mongo_errors():
                    for row in self._accounts.find(query):
                        number = account_number(row["platformAccountId"])
                        found[workspace_id, platform, number] = cast("AccountDocument", row)
        return found

    def normalise_ids(self) -> int:
        """Write every platform id in its normal form; return how many were changed."""
        with mongo_errors():
            return normalise_accounts(self._accounts)

    def get(self, account_id: str) -> AccountDocument:
        """Return one account.

        Raises:
            NotFound: there is no such account.
        """
        with mongo_errors():
            found = self._accounts.find_one({"_id": account_id})
        if found is None:
            raise NotFound(f"no account {account_id}")
        return cast("AccountDocument", found)

    def find(
        self,
        *,
        workspace_id: str | None = None,
        platform: Platform | None = None,
        states: Sequence[AccountState] | None = None,
    ) -> list[AccountDocument]:
        """Return accounts that match all arguments, sorted by workspace and id; by default those of all workspaces."""
        query: Document = {}
        if workspace_id is not None:
            query["workspaceId"] = workspace_id
        if platform is not None:
            query["platform"] = platform
        if states is not None:
            query["state"] = {"$in": list(states)}
        with mongo_errors():
            return cast(
                "list[AccountDocument]", list(self._accounts.find(query).sort([("workspaceId", 1), ("_id", 1)]))
            )

    def with_access(self, platform: Platform, access: AccountAccess) -> list[AccountDocument]:
        """Return the accounts of a platform that are read in one way: only their ids and workspaces."""
        query: Document = {"platform": platform, "access": access if access != "owner" else {"$exists": False}}
        with mongo_errors():
            rows = self._accounts.find(query, {"workspaceId": 1}).sort("_id", 1)
            return cast("list[AccountDocument]", list(rows))

    def ids(self, platform: Platform, state: AccountState, workspace_ids: Collection[str] | None = None) -> list[str]:
        """Return the ids of a platform's accounts in a state, sorted by workspace and id; read from the index only."""
        query: Document = {"platform": platform, "state": state}
        if workspace_ids is not None:
            query["workspaceId"] = {"$in": list(workspace_ids)}
        with mongo_errors():
            found = self._accounts.find(query, {"_id": 1}).sort([("workspaceId", 1), ("_id", 1)])
            return [row["_id"] for row in found]

    def of_ids(self, account_ids: Sequence[str]) -> list[AccountDocument]:
        """Return accounts by id, in the given order; ids without an account are left out."""
        found: dict[str, Document] = {}
        with mongo_errors():
            for batch in batched(account_ids, _BATCH):
                found |= {row["_id"]: row for row in self._accounts.find({"_id": {"$in": batch}})}
        return [cast("AccountDocument", found[one]) for one in account_ids if one in found]

    def connections(
        self, workspace_ids: Sequence[str] | None = None, *, states: Collection[AccountState] | None = None
    ) -> list[Connection]:
        """Return the hours of accounts, sorted by id; by default of all workspaces and states."""
        query: Document = {}
        if workspace_ids is not None:
            query["workspaceId"] = {"$in": list(workspace_ids)}
        if states is not None:
            query["state"] = {"$in": list(states)}
        with mongo_errors():
            return [Connection.of(row) for row in self._accounts.find(query, dict.fromkeys(FIELDS, 1)).sort("_id", 1)]

    def connections_by_workspace(self, workspace_ids: Sequence[str]) -> dict[str, list[Connection]]:
        """Return the hours of the accounts of each workspace, of all states, sorted by id."""
        found: dict[str, list[Connection]] = {workspace_id: [] for workspace_id in workspace_ids}
        query: Document = {"workspaceId": {"$in": list(workspace_ids)}}
        with mongo_errors():
            for row in self._accounts.find(query, dict.fromkeys((*FIELDS, "workspaceId"), 1)).sort("_id", 1):
                found[row["workspaceId"]].append(Connection.of(row))
        return found

    def has_workspace(self, workspace_id: str) -> bool:
        """Tell whether a workspace has any account, of any state."""
        with mongo_errors():
            return self._accounts.find_one({"workspaceId": workspace_id}, {"_id": 1}) is not None

    def workspaces(self, active_on: Platform | None = None) -> list[str]:
        """Return the sorted ids of workspaces with any account, or with an active one on a platform."""
        query: Document = {"platform": active_on, "state": "active"} if active_on else {}
        with mongo_errors():
            return sorted(self._accounts.distinct("workspaceId", query))

    def states(self, workspace_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return the number of accounts in each state that occurs, by workspace; those without any are left out."""
        counted: list[Document] = [
            {"$match": {"workspaceId": {"$in": list(workspace_ids)}}},
            {"$group": {"_id": {"workspace": "$workspaceId", "state": "$state"}, "n": {"$sum": 1}}},
            {"$sort": {"_id": 1}},
        ]
        found: dict[str, dict[str, int]] = {}
        with mongo_errors():
            for row in self._accounts.aggregate(counted):
                found.setdefault(row["_id"]["workspace"], {})[row["_id"]["state"]] = row["n"]
        return found

    def exists(self, account_id: str) -> bool:
        """Tell whether an account exists and is not being erased; its credentials are not read."""
        return account_id in self.existing([account_id])

    def existing(self, account_ids: Collection[str]) -> set[str]:
        """Return those ids whose accounts exist and are not being erased."""
        found: set[str] = set()
        for batch in batched(account_ids, _BATCH):
            query = {"_id": {"$in": batch}, "erasing": {"$ne": True}}
            with mongo_errors():
                found.update(row["_id"] for row in self._accounts.find(query, {"_id": 1}))
        return found

    def on_platforms(self, account_ids: Collection[str], platforms: Collection[Platform]) -> list[AccountDocument]:
        """Return those of the accounts that are on some platforms: only their ids, workspaces and platforms."""
        found: list[AccountDocument] = []
        for batch in batched(account_ids, _BATCH):
            query = {"_id": {"$in": batch}, "platform": {"$in": sorted(platforms)}}
            with mongo_errors():
                rows = self._accounts.find(query, {"workspaceId": 1, "platform": 1})
                found += cast("list[AccountDocument]", list(rows))
        return found

    def same_account(self, account: AccountDocument) -> list[AccountDocument]:
        """Return the accounts of all workspaces with the same platform account, including the given one."""
        query = {"platform": account["platform"], "platformAccountId": account["platformAccountId"]}
        with mongo_errors():
            return cast("list[AccountDocument]", list(self._accounts.find(query)))

    def is_connected_elsewhere(self, platform: Platform, platform_account_id: str, besides: Collection[str]) -> bool:
        """Tell whether an account of a platform is stored under another id of ours than those in `besides`."""
        query = {
            "platform": platform,
            "platformAccountId": platform_account_id,
            "_id": {"$nin": list(besides)},
        }
        with mongo_errors():
            return self._accounts.find_one(query, {"_id": 1}) is not None

    def mark_erasing(self, query: Document, at: datetime) -> None:
        """Disconnect the accounts that match, delete their credentials, and mark them as being erased."""
        marked = {"state": "disconnected", "erasing": True, "disconnectedAt": at}
        with mongo_errors():
            self._accounts.update_many(query, {"$set": marked, "$unset": {"credentials": ""}})

    def set_handle(self, account_id: str, handle: str) -> None:
        """Set the name under which the platform shows an account."""
        with mongo_errors():
            self._accounts.update_one({"_id": account_id}, {"$set": {"handle": handle}})

    def set_unwatched(self, account_id: str, *, unwatched: bool) -> None:
        """Note whether a person removed a connected account from the watch list of its workspace."""
        change = {"$set": {"unwatched": True}} if unwatched else {"$unset": {"unwatched": ""}}
        with mongo_errors():
            self._accounts.update_one({"_id": account_id}, change)

    def change_state(self, account: AccountDocument, state: AccountState, reason: str) -> bool:
        """Change the state and reason of an account if it is unchanged since it was read; tell whether it was changed.

        A state that was set in the meantime stays, and so does the state of an account that was connected again.
        """
        query: Document = {"_id": account["_id"], "state": account["state"]}
        if "credentials" in account:
            query["credentials"] = account["credentials"]
        with mongo_errors():
            # A literal, because a text that begins with a dollar sign would name a field here.
            change: list[Document] = [{"$set": {"state": state, "stateReason": {"$literal": reason}}}]
            return self._accounts.update_one(query, change + _grant(state)).matched_count == 1

    def set_state(self, account_id: str, state: ConnectedState, reason: str | None = None) -> None:
        """Set the state of a connected account; the previous reason is replaced or removed.

        The state of a disconnected account is not changed: only connecting it again does that. To disconnect an
        account, call `disconnect`.

        Raises:
            NotFound: there is no such account.
        """
        told: Document = {"$set": {"stateReason": {"$literal": reason}}} if reason else {"$unset": ["stateReason"]}
        change: list[Document] = [{"$set": {"state": state}}, told, *_grant(state)]
        with mongo_errors():
            found = self._accounts.update_one({"_id": account_id, "state": {"$ne": "disconnected"}}, change)
            if found.matched_count == 0 and self._accounts.find_one({"_id": account_id}, {"_id": 1}) is None:
                raise NotFound(f"no account {account_id}")

    def with_ended_grant(self, platform: Platform, now: datetime, before: datetime) -> list[AccountDocument]:
        """Return the accounts of a platform whose grant ended before an instant and whose data are not deleted yet.

        An ended grant without a time gets the present one first. The accounts come without credentials.
        """
        of_platform: Document = {"platform": platform, "dataDeletedAt": {"$exists": False}}
        denied: Document = {"state": {"$in": _ENDED}}
        ended = [{**denied, "grantEndedAt": {"$lte": before}}, _disconnected(before)]
        with mongo_errors():
            unnoted = {**of_platform, **denied, "grantEndedAt": {"$exists": False}}
            self._accounts.update_many(unnoted, {"$set": {"grantEndedAt": now}})
            rows = self._accounts.find({**of_platform, "$or": ended}, {"credentials": 0}).sort("_id", 1)
            return cast("list[AccountDocument]", list(rows))

    def note_deleted(self, account: AccountDocument, at: datetime, reason: str) -> None:
        """Note that the data of an account are deleted, unless it was connected again meanwhile."""
        query = {"_id": account["_id"], "state": account["state"]}
        with mongo_errors():
            self._accounts.update_one(query, {"$set": {"dataDeletedAt": at, "stateReason": reason}})

    def disconnect(self, account_id: str, at: datetime) -> None:
        """Disconnect an account and delete its credentials; an earlier time of disconnection is kept.

        Raises:
            NotFound: there is no such account.
        """
        since = {"$ifNull": ["$disconnectedAt", at]}
        change: list[Document] = [
            {"$set": {"state": "disconnected", "disconnectedAt": since}},
            {"$unset": ["credentials", "stateReason"]},
        ]
        with mongo_errors():
            if self._accounts.update_one({"_id": account_id}, change).matched_count == 0:
                raise NotFound(f"no account {account_id}")

    def set_credentials(self, account_id: str, sealed: bytes, *, expected: bytes | None = None) -> bool:
        """Store sealed credentials; tell whether they were stored.

        With `expected` they replace only those credentials, so that of two concurrent renewals the first one wins.
        """
        query: Document = {"_id": account_id, **({"credentials": expected} if expected is not None else {})}
        with mongo_errors():
            return self._accounts.update_one(query, {"$set": {"credentials": sealed}}).matched_count == 1

    def connected_at(self, account_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when accounts were connected."""
        with mongo_errors():
            rows = self._accounts.find({"_id": {"$in": list(account_ids)}}, {"connectedAt": 1})
            return {row["_id"]: row["connectedAt"] for row in rows}

    def reseal(self, account_id: str, sealed: bytes, again: bytes) -> bool:
        """Replace sealed credentials by `again`; False if the stored ones are no longer `sealed`."""
        with mongo_errors():
            done = self._accounts.update_one(
                {"_id": account_id, "credentials": sealed}, {"$set": {"credentials": again}}
            )
        return done.matched_count == 1


def _grant(state: AccountState) -> list[Document]:
    """Return the stages of a change of state that note when a grant ended, or that it stands again."""
    if state in _ENDED:
        return [{"$set": {"grantEndedAt": {"$ifNull": ["$grantEndedAt", utcnow()]}}}]
    return [{"$unset": ["grantEndedAt", "dataDeletedAt"]}]


def _disconnected(before: datetime) -> Document:
    return {"state": "disconnected", "disconnectedAt": {"$lte": before}}
