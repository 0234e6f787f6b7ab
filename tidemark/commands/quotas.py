"""The command `tidemark quotas`: lists the daily quotas of calls that platforms grant to the app."""

from typing import Annotated

import typer

from metrics.clock import isoformat, utcnow
from metrics.documents import PLATFORMS
from tidemark.commands.console import print_json, print_table
from tidemark.commands.stores import open_redis, open_store


def quotas(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the daily quotas of calls that platforms grant to the app: how much is used today, and when they reset."""
    with open_store() as (_, settings), open_redis(settings) as redis:
        from metrics.redis.quotas import used_quotas

        found = used_quotas(redis, {name: settings.units_per_day(name) for name in PLATFORMS}, utcnow())
    if as_json:
        print_json(
            [
                {
                    "platform": one.platform,
                    "quota": one.quota,
                    "used": one.used,
                    "unitsPerDay": one.units,
                    "resetsAt": isoformat(one.resets_at),
                }
                for one in found
            ]
        )
        return
    print_table(
        ("platform", "quota", "used", "per day", "resets at"),
        [(one.platform, one.quota, str(one.used), str(one.units), isoformat(one.resets_at)) for one in found],
    )
