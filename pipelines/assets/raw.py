"""`raw_<platform>`: the observations of one UTC hour, read at its end.

One asset per platform, made by one factory, partitioned by hour. The hour under way may be collected on demand; an hour
whose end lies further back than `TIDEMARK_COLLECT_GRACE_MINUTES` gets only what the platform still answers for it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from metrics.documents import Platform
from pipelines.assets import hours
from pipelines.assets.outside import platform_api_key
from pipelines.checks import raw as checks
from pipelines.collect.days import AskedDays
from pipelines.collect.report import CollectReport
from pipelines.partitions import HOURS, slot_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import told_plainly, tried_again
from pipelines.runs.progress import Progress

HOURS_PER_RUN = 24
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""For what is no account's fault: MongoDB or Redis away."""

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("timestamp", "datetime", "The slot: start of the UTC hour."),
        dg.TableColumn("metadata", "object", "Workspace, account, post: what the numbers are about."),
        dg.TableColumn("collectedAt", "datetime", "When the platform answered; the newest counts."),
        dg.TableColumn("metrics", "object", "Canonical name to number; what is absent is unknown."),
        dg.TableColumn("unavailable", "object", "Canonical name to the reason why it is unknown."),
        dg.TableColumn("runId", "string", "The run that wrote it."),
        dg.TableColumn("apiVersion", "string", "The version of the platform's API that answered."),
    ]
)


def pool_of(platform: Platform) -> str:
    """Return the pool of the steps that call a platform."""
    return f"platform_{platform}"


def facts(platform: Platform) -> dict[str, Any]:
    """Return what an asset of a platform is, by however many steps it is collected."""
    name = f"raw_{platform}"
    return {
        "name": name,
        "partitions_def": HOURS,
        "backfill_policy": dg.BackfillPolicy.multi_run(HOURS_PER_RUN),
        "group_name": "raw",
        "kinds": {"python", "mongodb"},
        "owners": ["team:data"],
        "check_specs": checks.specs(name),
        "metadata": {"dagster/column_schema": _COLUMNS},
        "description": (
            f"Observations of every active {platform} account and its followed posts for one UTC hour, appended to the "
            "time series `metrics`. Collecting an hour again appends; the newest value of a metric counts. An hour in "
            "the past gets only what the platform still answers for it: the metadata says what was not recoverable."
        ),
    }


def raw_asset(platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one platform, collected by one step."""

    def raw(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
        with tried_again(context, RETRIES), told_plainly():
            clients = tidemark.clients()
            slots = hours.slots(context)
            progress = Progress(len(slots), context.log.info)
            reports: list[CollectReport] = []
            asked = AskedDays()
            with hours.carrying_out(context, clients) as outcome:
                for slot in slots:
                    report = hours.collect(context, clients, platform, slot, asked)
                    hours.materialize(context, clients, report)
                    progress.step(f"{slot_key(slot)}: {report.summary()}")
                    reports.append(report)
                outcome.set(hours.accounts(reports))
            yield from hours.conclude(context, clients, reports)

    asset: dg.AssetsDefinition = dg.asset(
        **facts(platform),
        deps=[platform_api_key(platform)],
        pool=pool_of(platform),
        # Each hour is materialised when it is there, by an event of its own.
        output_required=False,
    )(raw)
    return asset
