"""Shards: accounts are distributed by hash over the parallel steps that collect an hour."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, order=True, slots=True)
class Shard:
    """The accounts whose hash modulo `of` is `index`, from 0. Every account is in exactly one of the `of` shards."""

    of: int
    index: int

    @classmethod
    def of_account(cls, account_id: str, of: int) -> Self:
        """Return the shard that an account is in. It depends on nothing but the arguments."""
        return cls(of, int.from_bytes(hashlib.sha256(account_id.encode()).digest()[:8], "big") % of)

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the shard of a name like `3_of_8`."""
        index, _, of = name.partition("_of_")
        return cls(int(of), int(index) - 1)

    @property
    def name(self) -> str:
        """The name as a Dagster mapping key: `3_of_8`. It includes the number of shards, because that may change."""
        return f"{self.index + 1}_of_{self.of}"

    def holds(self, account_id: str) -> bool:
        """Tell whether an account is in this shard."""
        return Shard.of_account(account_id, self.of) == self


def shards_of(account_ids: Iterable[str], of: int) -> list[Shard]:
    """Return the shards that hold any of these accounts, in order; the first shard if there is no account."""
    return sorted({Shard.of_account(account_id, of) for account_id in account_ids}) or [Shard(of, 0)]
