"""What each account costs in MongoDB besides reading its posts, grouped over the threads of a run.

A command costs client and server about half a millisecond of processor time each, and a write with a majority three
times that, whether it is about one account or about ten. `bench/collect.py` shows the processor time per request.
"""

from collections.abc import Collection
from dataclasses import dataclass

from redis import Redis

from metrics.collection.appending import Entry, append_and_mark
from metrics.documents import AccountDocument, Document
from metrics.store import Store
from metrics.upkeep.erase import take_back_accounts
from pipelines.collect.grouped.grouping import Grouped


@dataclass(frozen=True)
class GroupedCommands:
    """Reads and writes for one account each; they raise `MongoUnavailable` when MongoDB does not answer.

    `memory_of` returns the memory of an account by its id, empty if there is none. `exists` tells whether an account
    exists and is not being erased. `ever_observed` returns those of some posts that have any observation. `append`
    writes an entry, as `append_and_mark` does. `take_back` deletes what was written of an account that was erased
    meanwhile, and tells whether it was; it raises `RedisUnavailable` when only the events could not be deleted.
    """

    memory_of: Grouped[str, Document]
    exists: Grouped[str, bool]
    ever_observed: Grouped[Collection[str], set[str]]
    append: Grouped[Entry, None]
    take_back: Grouped[AccountDocument, bool]

    @classmethod
    def of(cls, store: Store, redis: Redis) -> "GroupedCommands":
        """Return the commands on a store."""

        def memories(account_ids: list[str]) -> list[Document]:
            found = store.memories.of_all(account_ids)
            return [found.get(one, {}) for one in account_ids]

        def exist(account_ids: list[str]) -> list[bool]:
            found = store.accounts.existing(set(account_ids))
            return [one in found for one in account_ids]

        def observed(groups: list[Collection[str]]) -> list[set[str]]:
            found = store.observations.ever_observed([post_id for group in groups for post_id in group])
            return [found.intersection(group) for group in groups]

        def append(entries: list[Entry]) -> list[None]:
            append_and_mark(store, entries)
            return [None] * len(entries)

        def take_back(accounts: list[AccountDocument]) -> list[bool]:
            gone = take_back_accounts(store, redis, accounts)
            return [one["_id"] in gone for one in accounts]

        return cls(Grouped(memories), Grouped(exist), Grouped(observed), Grouped(append), Grouped(take_back))
