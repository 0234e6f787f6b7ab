"""`raw_<platform>` collected by several steps, a shard of the accounts each: for executors with more than one machine.

One step finds the shards that have anything to do, one step per shard collects it, and a last one puts together what
they report: materialisations, checks and the outcome of an operation are those of the whole hour. A shard's name says
how many there are, so that a run goes on with the shards it began with when `TIDEMARK_COLLECT_SHARDS` changes, and a
shard that failed can be executed again alone.
"""

from collections.abc import Iterator

import dagster as dg

from metrics.documents import Platform
from pipelines.assets import hours
from pipelines.assets.outside import platform_api_key
from pipelines.assets.raw import RETRIES, facts, pool_of
from pipelines.checks import raw as checks
from pipelines.collect.days import AskedDays
from pipelines.collect.report import CollectReport, put_together
from pipelines.collect.shards import Shard
from pipelines.partitions import slot_key
from pipelines.resources import Tidemark
from pipelines.runs import operations
from pipelines.runs.failures import told_plainly, tried_again
from pipelines.runs.progress import Progress
from pipelines.runs.scope import scope
from pipelines.runs.shard_reports import SHARD_REPORTS, shard_reports
from pipelines.runs.tags import OPERATION


def sharded_asset(platform: Platform) -> dg.AssetsDefinition:
    """Return the asset of one platform, collected by a step per shard."""
    split, shard, hour = _split(platform), _shard(platform), _hour(platform)
    names = ["result", *_check_outputs(platform)]

    def raw(api: object) -> dict[str, object]:
        outputs = hour(split(api).map(lambda begun: shard(begun=begun)).collect())
        return {name: getattr(outputs, name) for name in names}

    asset: dg.AssetsDefinition = dg.graph_asset(
        **facts(platform),
        ins={"api": dg.AssetIn(platform_api_key(platform), dagster_type=dg.Nothing)},
        resource_defs={SHARD_REPORTS: shard_reports},
    )(raw)
    return asset


def _split(platform: Platform) -> dg.OpDefinition:
    @dg.op(name=f"{platform}_shards", ins={"api": dg.In(dg.Nothing)}, out=dg.DynamicOut(dg.Nothing))
    def split(context: dg.AssetExecutionContext, tidemark: Tidemark) -> Iterator[dg.DynamicOutput[None]]:
        """Find the shards with accounts to collect."""
        with tried_again(context, RETRIES), told_plainly():
            clients = tidemark.clients()
            of, operation_id = clients.settings.collect_shards, context.run.tags.get(OPERATION)
            operations.begin(clients, operation_id, context.run.run_id)
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
        with tried_again(context, RETRIES), told_plainly():
            shard = Shard.named(context.op_execution_context.get_mapping_key() or "1_of_1")
            slots = hours.slots(context)
            progress = Progress(len(slots), context.log.info)
            reports: list[CollectReport] = []
            asked = AskedDays()
            for slot in slots:
                reports.append(hours.collect(context, tidemark.clients(), platform, slot, asked, shard))
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
        """Put together what the shards report, hour by hour."""
        with tried_again(context, RETRIES), told_plainly():
            clients, reports = tidemark.clients(), put_together(shards)
            with hours.carrying_out(context, clients) as outcome:
                for report in reports:
                    hours.materialize(context, clients, report)
                outcome.set(hours.accounts(reports))
            yield from hours.conclude(context, clients, reports)

    return hour


def _check_outputs(platform: Platform) -> list[str]:
    return [spec.get_python_identifier() for spec in checks.specs(f"raw_{platform}")]


def _open_pool(context: dg.AssetExecutionContext, pool: str, shards: int) -> None:
    """Let all shards of two runs into their pool, unless somebody gave it a limit.

    By default two steps at a time are in a pool. One run is a backfill's, the other that of the hour that just ended.
    """
    storage, wanted = context.instance.event_log_storage, 2 * shards
    limits = [limit.limit for limit in storage.get_pool_limits() if limit.name == pool and not limit.from_default]
    if not limits:
        storage.set_concurrency_slots(pool, wanted)
    elif limits[0] < wanted:
        context.log.info(
            "%s steps of this platform run at once: `dagster instance concurrency set %s %s` lets in all %s shards of "
            "an hour beside a backfill",
            limits[0],
            pool,
            wanted,
            shards,
        )
