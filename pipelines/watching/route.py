"""Asks the reader of a platform, within limits: nothing is sent while a pause holds, and no error goes further."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar, cast

from metrics.documents import AccountDocument
from pipelines.collect.pauses import Pauses
from pipelines.platforms.data.access import Access
from pipelines.platforms.data.tally import Tally
from pipelines.platforms.errors import BadAnswer, RateLimited
from pipelines.platforms.public.base import PublicReader, Refusal, Skipped
from pipelines.watching.lenders import Lender
from pipelines.watching.report import WatchReport

T = TypeVar("T")

Unread = Refusal | Skipped | Exception
"""Why an account was not read; an `Exception` is an error of Tidemark."""

_LEFT_OUT = Skipped(BadAnswer("the account was left out of the answer"))


@dataclass(frozen=True, slots=True)
class Route:
    """The route of a platform to accounts of others, shared by the threads of a run.

    `own_pauses` are those of the collection of own accounts, which hold for the route, too. Limits that the route meets
    go into `pauses` alone.
    """

    reader: PublicReader
    own_pauses: Pauses
    pauses: Pauses
    report: WatchReport

    def ask(
        self,
        keys: Sequence[str],
        lender: Lender | None,
        call: Callable[[Sequence[str], Access | None, Tally], Mapping[str, T | Refusal | Skipped]],
    ) -> dict[str, T | Unread]:
        """Return the result of `call` for each key.

        After an unforeseen error, `call` is called for each key alone, so that the error is the result of its own key.
        """
        if not keys:
            return {}
        account = lender.account if lender else self._nobody()
        try:
            self.own_pauses.check(account)
            self.pauses.check(account)
        except RateLimited as error:
            return dict.fromkeys(keys, Skipped(error))
        tally = Tally(budget=lender.calls if lender else None)
        try:
            found = call(keys, lender.access if lender else None, tally)
        except Exception as error:  # noqa: BLE001
            # The other accounts must be read whatever this error is.
            if len(keys) == 1:
                return {keys[0]: error}
            return {key: one for key in keys for one in self.ask([key], lender, call).values()}
        finally:
            self.report.add_tally(tally)
        limits = [tally.limited, tally.near_limit, *(one.error for one in found.values() if isinstance(one, Skipped))]
        for limit in limits:
            if isinstance(limit, RateLimited):
                self.pauses.note(account, limit)
        return {key: found.get(key, _LEFT_OUT) for key in keys}

    def _nobody(self) -> AccountDocument:
        """Return an account that stands for the app, or for everybody, in pauses."""
        return cast("AccountDocument", {"platform": self.reader.name, "platformAccountId": "everybody"})
