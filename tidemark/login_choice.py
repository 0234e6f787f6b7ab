"""The choice among several accounts of one login at the command line, beside the page that has the same choice."""

import os
import select
import sys
import time
from collections.abc import Callable, Collection

from redis import Redis

from metrics.connecting import flows
from metrics.connecting.choice import Choice, ChoiceUsed, connect_chosen, find_choice
from metrics.connecting.flows import Offer, Outcome
from metrics.connecting.outcomes import connected
from metrics.errors import InvalidInput
from metrics.settings import Settings
from metrics.store import Store
from metrics.vault import Vault

_PAUSE_SECONDS = 0.5


def wait_for_outcome(
    store: Store, redis: Redis, settings: Settings, offer: Offer, seconds: float, say: Callable[[str], None]
) -> Outcome | None:
    """Return how a login ended, or None if it did not end within the time.

    If it can read several accounts, list them, and take numbers from a terminal, unless the person chooses on the page
    first. `say` prints a line for the user.
    """
    ends, lines, listed = time.monotonic() + seconds, _Lines(), False
    while time.monotonic() < ends:
        outcome = flows.find_outcome(redis, offer.flow_id)
        if outcome is not None and outcome.state != "choosing":
            return outcome
        choice = None if outcome is None else find_choice(redis, Vault(settings.secret_keys), offer.flow_id)
        if choice is None:
            time.sleep(_PAUSE_SECONDS)
            continue
        if not listed:
            _list(choice, say, typed=lines.are_typed)
            listed = True
        line = lines.next(_PAUSE_SECONDS)
        if line and (done := _chosen(store, redis, settings, choice, line, say)) is not None:
            flows.note_outcome(redis, offer.flow_id, done)
            return done
    return None


def _list(choice: Choice, say: Callable[[str], None], *, typed: bool) -> None:
    say(f"the login can read {len(choice.candidates)} accounts:")
    for number, one in enumerate(choice.candidates, 1):
        say(f"  {number}  {one}")
    here = ", or type numbers here, such as 1,3" if typed else ""
    say(f"choose on the page in the browser{here}; with --account=ID the command connects one of them without a choice")


def _chosen(
    store: Store, redis: Redis, settings: Settings, choice: Choice, line: str, say: Callable[[str], None]
) -> Outcome | None:
    """Connect the accounts whose numbers are in a line; None if the line is wrong, or the page was faster."""
    try:
        wanted = _ids(choice, line)
        return connected(store, choice.offer, connect_chosen(store, redis, settings, choice, wanted))
    except InvalidInput as error:
        say(str(error))
    except ChoiceUsed:
        # The page used the choice up: its outcome comes in a moment.
        pass
    return None


def _ids(choice: Choice, line: str) -> Collection[str]:
    numbers = line.replace(",", " ").split()
    last = len(choice.candidates)
    if wrong := [one for one in numbers if not (one.isascii() and one.isdecimal() and 1 <= int(one) <= last)]:
        raise InvalidInput(f"{wrong[0]!r} is none of the numbers from 1 to {last}: type them again")
    return [choice.candidates[int(one) - 1].platform_account_id for one in numbers]


class _Lines:
    """Lines that a person types at a terminal; there are none if standard input is something else."""

    def __init__(self) -> None:
        try:
            self._input = sys.stdin.fileno()
            self.are_typed = os.isatty(self._input)
        except (OSError, ValueError, AttributeError):
            self.are_typed = False

    def next(self, seconds: float) -> str:
        """Return a line, or an empty text if there is none within the time."""
        if not self.are_typed:
            time.sleep(seconds)
            return ""
        if not select.select([self._input], [], [], seconds)[0]:
            return ""
        line = sys.stdin.readline()
        if not line:
            # The terminal was closed.
            self.are_typed = False
        return line.strip()
