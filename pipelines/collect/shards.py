"""Shards: which accounts one step collects, where several share an hour."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, order=True, slots=True)
class Shard:
    """The accounts whose hash falls on `index` of `of`, counted from 0. Every account is in exactly one of `of`."""

    of: int
    index: int

    @classmethod
    def around(cls, account_id: str, of: int) -> Self:
        """Return the shard that an account is in; the same on every machine and in every year."""
        return cls(of, int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:8], "big") % of)

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the shard of a name like `3_of_8`."""
        index, _, of = name.partition("_of_")
        return cls(int(of), int(index) - 1)

    @property
    def name(self) -> str:
        """A name that people and Dagster can read: `3_of_8`. It carries the number of shards, which may change."""
        return f"{self.index + 1}_of_{self.of}"

    def holds(self, account_id: str) -> bool:
        """Tell whether an account is in this shard."""
        return Shard.around(account_id, self.of) == self


def shards_of(account_ids: Iterable[str], of: int) -> list[Shard]:
    """Return the shards that hold any of these accounts, in order; the first one where there is no account."""
    return sorted({Shard.around(account_id, of) for account_id in account_ids}) or [Shard(of, 0)]
