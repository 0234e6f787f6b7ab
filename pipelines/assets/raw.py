"""The assets `raw_<platform>`: the observations of one UTC hour, read at its end.

One factory makes an asset per platform, partitioned by hour. The present hour can be collected on demand. For an hour
that ended longer ago than `TIDEMARK_COLLECT_GRACE_MINUTES`, only the metrics are collected that the platform still
answers for it.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from metrics.documents import Platform
from pipelines.assets import hours
from pipelines.assets.outside import platform_api_key
from pipelines.checks import raw_checks
from pipelines.collect.days import RequestedDays
from pipelines.collect.report import CollectReport
from pipelines.partitions import HOURS, slot_key
from pipelines.resources import Tidemark
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress

HOURS_PER_RUN = 24
RETRIES = dg.RetryPolicy(max_retries=2, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Retries for errors that concern all accounts: MongoDB or Redis does not answer."""

_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("timestamp", "datetime", "The slot: start of the UTC hour."),
        dg.TableColumn("metadata", "object", "The subject: workspace, account, and post if it is one."),
        dg.TableColumn("collectedAt", "datetime", "When the platform answered; the newest observation counts."),
        dg.TableColumn("metrics", "object", "Canonical name to number; an absent metric is unknown."),
        dg.TableColumn("unavailable", "object", "Canonical name to the reason why the metric is unknown."),
        dg.TableColumn("runId", "string", "The run that wrote the observation."),
        dg.TableColumn("apiVersion", "string", "The version of the platform's API that answered."),
    ]
)


def pool_of(platform: Platform) -> str:
    """Return the pool of the steps that call a platform."""
    return f"platform_{platform}"


def asset_arguments(platform: Platform) -> dict[str, Any]:
    """Return the arguments of a platform's asset that are the same with one step and with shards."""
    name = f"raw_{platform}"
    return {
        "name": name,
        "partitions_def": HOURS,
        "backfill_policy": dg.BackfillPolicy.multi_run(HOURS_PER_RUN),
        "group_name": "raw",
        "kinds": {"python", "mongodb"},
        "owners": ["team:data"],
        "check_specs": raw_checks.specs(name),
        "metadata": {"dagster/column_schema": _COLUMNS},
        "description": (
            f"Observations of every active {platform} account and its followed posts for one UTC hour, appended to the "
            "time series `metrics`. Collecting an hour again appends; the newest value of a metric counts. For an hour "
            "in the past, only the metrics are collected that the platform still answers for it: the metadata lists "
            "what was not recoverable."
        ),
    }


def raw_asset(platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one platform, collected in one step."""

    def raw(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.AssetCheckResult]:
        with retried(context, RETRIES), one_line_failures():
            clients = tidemark.clients()
            slots = hours.slots(context)
            progress = Progress(len(slots), context.log.info)
            reports: list[CollectReport] = []
            requested = RequestedDays()
            with hours.report_outcome(context, clients) as outcome:
                for slot in slots:
                    report = hours.collect(context, clients, platform, slot, requested)
                    hours.materialize(context, clients, report)
                    progress.step(f"{slot_key(slot)}: {report.summary()}")
                    reports.append(report)
                outcome.set(hours.accounts(reports))
            yield from hours.conclude(context, clients, reports)

    asset: dg.AssetsDefinition = dg.asset(
        **asset_arguments(platform),
        deps=[platform_api_key(platform)],
        pool=pool_of(platform),
        # Each hour is materialised by an event of its own, as soon as it is collected.
        output_required=False,
    )(raw)
    return asset
