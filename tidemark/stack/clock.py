"""The clock of a stack: which instant it begins to live at, and where that is refused.

A folder lives at one time for good. The first start with `--clock` notes by how many seconds the folder is ahead of the
machine's clock, and every later start goes on with that number. It may be put ahead, which is to the data as if the
machine had been off for so long, but never back: data would then lie in the future.
"""

from datetime import UTC, datetime, timedelta

from metrics import clock
from metrics.clock import isoformat
from metrics.errors import InvalidInput
from metrics.settings import PLATFORM_APIS, PREFIX, Settings
from simulator.control import LAST
from simulator.world import EPOCH
from tidemark.home import Home

_FILE = "clock.json"


def instant_of(text: str) -> datetime:
    """Return the instant that `--clock` names, in UTC.

    Raises:
        InvalidInput: it is no instant with a zone, or one at which the simulated world is not there.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"--clock: {text[:40]} is no instant, write it like 2026-03-28T22:55Z") from None
    if instant.tzinfo is None:
        raise InvalidInput(f"--clock: {text[:40]} has no zone, put Z behind it for UTC")
    if not EPOCH <= instant < LAST:
        raise InvalidInput(f"--clock: the simulated world is there from {EPOCH:%Y-%m-%d} to {LAST:%Y-%m-%d}")
    return instant.astimezone(UTC)


def refuse_outside(settings: Settings) -> None:
    """Refuse a clock of the stack's own where others, who live at the machine's time, take part.

    Raises:
        InvalidInput: a store is not the embedded one, or a platform not the simulator; the message says which.
    """
    outside = [name for name in ("mongo_url", "redis_url") if getattr(settings, name) is not None]
    outside += [f"{api}_url" for api in PLATFORM_APIS if f"{api}_url" in settings.model_fields_set]
    if outside:
        raise InvalidInput(
            f"--clock is for the embedded stores and the simulator alone: unset {PREFIX}{outside[0].upper()}, "
            "which names a server that lives at another time"
        )


def settle(home: Home, settings: Settings, asked: datetime | None) -> timedelta:
    """Return how far the stack in `home` is ahead of the machine's clock, and let this process live there.

    `asked` is the instant that it begins at; None goes on with what the folder noted. Call it while `home` is locked.

    Raises:
        InvalidInput: see `refuse_outside`, or the data of the folder lies at another time.
    """
    noted = home.read(_FILE)
    before = None if noted is None else timedelta(seconds=float(noted["aheadSeconds"]))
    if asked is not None or before is not None:
        refuse_outside(settings)
    ahead = before or timedelta()
    if asked is not None:
        ahead = asked - clock.machine_now()
        _check(home, before, ahead)
        home.write(_FILE, {"aheadSeconds": round(ahead.total_seconds(), 6)})
    if ahead != clock.offset():
        clock.set_offset(ahead)
    return ahead


def _check(home: Home, before: timedelta | None, ahead: timedelta) -> None:
    if before is None and (home.path / "mongo").exists():
        raise InvalidInput(
            f"--clock: the data in {home.path} lies at the machine's time; set TIDEMARK_HOME to another folder"
        )
    if before is not None and ahead < before:
        here = isoformat((clock.machine_now() + before).replace(microsecond=0))
        raise InvalidInput(
            f"--clock: the clock of {home.path} shows {here} and is never put back; name a later instant, leave "
            "--clock out, or set TIDEMARK_HOME to another folder"
        )
