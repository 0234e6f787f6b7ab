"""The shifted clock of a stack (`tidemark up --clock`): its offset to the machine's clock, and when it is refused.

Each folder keeps its clock for good. The first start with `--clock` stores by how many seconds the folder is ahead of
the machine's clock, and every later start uses this offset. The clock may be put forward, which looks to the data as if
the machine had been off for that time, but never back, because data would then lie in the future.
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
        InvalidInput: the text is not an instant with a time zone, or the simulated world does not cover it.
    """
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"--clock: {text[:40]} is not an instant, write it like 2026-03-28T22:55Z") from None
    if instant.tzinfo is None:
        raise InvalidInput(f"--clock: {text[:40]} has no time zone, append Z for UTC")
    if not EPOCH <= instant < LAST:
        raise InvalidInput(f"--clock: the simulated world exists from {EPOCH:%Y-%m-%d} to {LAST:%Y-%m-%d}")
    return instant.astimezone(UTC)


def refuse_outside(settings: Settings) -> None:
    """Refuse a shifted clock if the stack uses servers outside of it, which run at the machine's time.

    Raises:
        InvalidInput: a store is not the embedded one, or a platform is not the simulator; the message names it.
    """
    outside = [name for name in ("mongo_url", "redis_url") if getattr(settings, name) is not None]
    outside += [f"{api}_url" for api in PLATFORM_APIS if f"{api}_url" in settings.model_fields_set]
    if outside:
        raise InvalidInput(
            f"--clock works only with the embedded stores and the simulator: unset {PREFIX}{outside[0].upper()}, "
            "which names a server with another clock"
        )


def adopt_clock(home: Home, settings: Settings, begins: datetime | None) -> timedelta:
    """Set the clock of this process to that of the stack in `home`; return its offset to the machine's clock.

    `begins` is the instant at which the stack starts; None keeps the offset stored in the folder. Call this while
    `home` is locked.

    Raises:
        InvalidInput: see `refuse_outside`, or the data of the folder was written at another time.
    """
    noted = home.read(_FILE)
    before = None if noted is None else timedelta(seconds=float(noted["aheadSeconds"]))
    if begins is not None or before is not None:
        refuse_outside(settings)
    ahead = before or timedelta()
    if begins is not None:
        ahead = begins - clock.machine_now()
        _check(home, before, ahead)
        home.write(_FILE, {"aheadSeconds": round(ahead.total_seconds(), 6)})
    if ahead != clock.offset():
        clock.set_offset(ahead)
    return ahead


def _check(home: Home, before: timedelta | None, ahead: timedelta) -> None:
    if before is None and (home.path / "mongo").exists():
        raise InvalidInput(
            f"--clock: the data in {home.path} was written at the machine's time; set TIDEMARK_HOME to another folder"
        )
    if before is not None and ahead < before:
        here = isoformat((clock.machine_now() + before).replace(microsecond=0))
        raise InvalidInput(
            f"--clock: the clock of {home.path} shows {here} and cannot be put back; name a later instant, omit "
            "--clock, or set TIDEMARK_HOME to another folder"
        )
