"""The assets `raw_<platform>` with one step per shard of the accounts, for executors with more than one machine.

A first step finds the shards that have accounts to collect, a step per shard collects it, and a last step merges their
reports: materialisations, checks and the outcome of an operation are those of the whole hour. A shard's name includes
the number of shards, so a run continues with the shards that it began with when `TIDEMARK_COLLECT_SHARDS` changes, and
a shard that failed can be re-executed alone.
"""

from collections.abc import Iterator

import dagster as dg

from metrics.documents import Platform
from pipelines.assets import hours
from pipelines.assets.outside import platform_api_key
from pipelines.assets.raw import RETRIES, asset_arguments, pool_of
from pipelines.checks import raw_checks
from pipelines.collect.days import RequestedDays
from pipelines.collect.report import CollectReport, merge_by_slot
from pipelines.collect.shards import Shard
from pipelines.partitions import slot_key
from pipelines.resources import Tidemark
from pipelines.runs import operations
from pipelines.runs.failures import one_line_failures, retried
from pipelines.runs.progress import Progress
from pipelines.runs.scope import scope
from pipelines.runs.shard_reports import SHARD_REPORTS, shard_reports
from pipelines.runs.tags import OPERATION


def sharded_asset(platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one platform, collected in one step per shard."""
    split, shard, hour = _split(platform), _shard(platform), _hour(platform)
    names = ["result", *_check_outputs(platform)]

    def raw(api: object) -> dict[str, object]:
        outputs = hour(split(api).map(lambda begun: shard(begun=begun)).collect())
        return {name: getattr(outputs, name) for name in names}

    asset: dg.AssetsDefinition = dg.graph_asset(
        **asset_arguments(platform),
        ins={"api": dg.AssetIn(platform_api_key(platform), dagster_type=dg.Nothing)},
        resource_defs={SHARD_REPORTS: shard_reports},
    )(raw)
    return asset


def _split(platform: Platform) -> dg.OpDefinition:
    @dg.op(name=f"{platform}_shards", ins={"api": dg.In(dg.Nothing)}, out=dg.DynamicOut(dg.Nothing))
    def split(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.DynamicOutput[None]]:
        """Yield an output for each shard with accounts to collect."""
        with retried(context, RETRIES), one_line_failures():
            clients = tidemark.clients()
            of, batch_id = clients.settings.collect_shards, context.run.tags.get(OPERATION)
            operations.begin(clients, batch_id, context.run.run_id)
            work = scope(clients, context.run.tags)
            found = clients.collector().shards(
                platform, of, workspace_ids=work.workspace_ids, account_ids=work.account_ids
            )
            _open_pool(context, pool_of(platform), of)
            for shard in found:
                yield dg.DynamicOutput(None, mapping_key=shard.name)

    return split


def _shard(platform: Platform) -> dg.OpDefinition:
    @dg.op(
        name=f"{platform}_shard",
        ins={"begun": dg.In(dg.Nothing)},
        out=dg.Out(io_manager_key=SHARD_REPORTS),
        pool=pool_of(platform),
    )
    def collect(context: dg.AssetExecutionContext, tidemark: Tidemark) -> list[CollectReport]:
        """Collect one shard of the run's hours."""
        with retried(context, RETRIES), one_line_failures():
            shard = Shard.parse(context.op_execution_context.get_mapping_key() or "1_of_1")
            slots = hours.slots(context)
            progress = Progress(len(slots), context.log.info)
            reports: list[CollectReport] = []
            requested = RequestedDays()
            for slot in slots:
                reports.append(hours.collect(context, tidemark.clients(), platform, slot, requested, shard))
                progress.step(f"shard {shard.name}, {slot_key(slot)}: {reports[-1].summary()}")
            return reports

    return collect


def _hour(platform: Platform) -> dg.OpDefinition:
    # Each hour is materialised by an event of its own.
    result = {"result": dg.Out(dg.Nothing, is_required=False)}
    found = {name: dg.Out(dg.Nothing) for name in _check_outputs(platform)}

    @dg.op(name=f"{platform}_hour", out=result | found)
    def hour(
        context: dg.AssetExecutionContext, tidemark: Tidemark, shards: list[list[CollectReport]]
    ) -> Iterator[dg.AssetCheckResult]:
        """Merge the reports of the shards, and materialise and check each hour."""
        with retried(context, RETRIES), one_line_failures():
            clients, reports = tidemark.clients(), merge_by_slot(shards)
            with hours.report_outcome(context, clients) as outcome:
                for report in reports:
                    hours.materialize(context, clients, report)
                outcome.set(hours.accounts(reports))
            yield from hours.conclude(context, clients, reports)

    return hour


def _check_outputs(platform: Platform) -> list[str]:
    return [spec.get_python_identifier() for spec in raw_checks.specs(f"raw_{platform}")]


def _open_pool(context: dg.AssetExecutionContext, pool: str, shards: int) -> None:
    """Raise the limit of a platform's pool so that all shards of two runs fit, unless a user has set a limit.

    By default a pool admits two steps at a time. One of the two runs may be part of a backfill; the other collects the
    hour that just ended.
    """
    storage, wanted = context.instance.event_log_storage, 2 * shards
    limits = [limit.limit for limit in storage.get_pool_limits() if limit.name == pool and not limit.from_default]
    if not limits:
        storage.set_concurrency_slots(pool, wanted)
    elif limits[0] < wanted:
        context.log.info(
            "%s steps of this platform run at once: `dagster instance concurrency set %s %s` admits all %s shards of "
            "an hour beside a backfill",
            limits[0],
            pool,
            wanted,
            shards,
        )
