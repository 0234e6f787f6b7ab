"""Metadata of materialisations and runs: counts that Dagster plots over partitions, and tables of failures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

import dagster as dg

from metrics.collection.hours import HourState
from pipelines.collect.history import HistoryReport
from pipelines.collect.report import INTERNAL_ERROR, CollectReport, Failure
from pipelines.rollup import RollReport
from pipelines.runs.trends import COMPLETE, PERCENT, hours_before, periods_before, plot
from pipelines.watching.report import WatchReport

MAX_ROWS = 50


def collect_metadata(report: CollectReport, state: HourState) -> dict[str, dg.MetadataValue]:
    """Return the metadata of an hour: counts over all accounts that were connected in it, then those of the run."""
    counts = {
        "dagster/partition_row_count": state.observations,
        "accounts_expected": state.expected,
        "accounts_ok": state.observed,
        "accounts_without_levels": state.late,
        "accounts_failed": state.failed,
        "accounts_skipped": state.skipped + state.waiting,
        "accounts_without_record": len(state.missing),
        "accounts_of_this_run": report.expected,
        "observations_of_this_run": report.rows,
        "calls": report.calls,
        "requests": report.requests,
        "retries": report.retries,
        "dropped_content": report.dropped_content,
        "impossible_values": sum(report.impossible.values()),
        "internal_errors": sum(failure.reason == INTERNAL_ERROR for failure in report.failures),
    }
    metadata = whole_numbers(counts)
    metadata["calls_per_account"] = dg.MetadataValue.float(round(report.calls / max(report.expected, 1), 2))
    # A request is one HTTP request. A call is what the platform counts: each element of a Graph batch is one.
    metadata["requests_per_account"] = dg.MetadataValue.float(round(report.requests / max(report.expected, 1), 2))
    metadata["seconds_waited_on_limits"] = dg.MetadataValue.float(round(report.waited_seconds, 2))
    if report.failures:
        metadata |= _failures(report.failures)
    if report.unforeseen:
        metadata["internal_errors_at"] = dg.MetadataValue.md(", ".join(sorted(report.unforeseen)))
    if report.not_recoverable:
        metadata["not_recoverable"] = dg.MetadataValue.md(
            "The platform no longer answers for this hour: " + ", ".join(sorted(report.not_recoverable))
        )
    if report.quarantined:
        metadata["quarantined_metrics"] = dg.MetadataValue.md(", ".join(sorted(report.quarantined)))
    return metadata


def whole_numbers(counts: Mapping[str, int]) -> dict[str, dg.MetadataValue]:
    """Return counts as metadata, which Dagster plots over partitions."""
    return {name: dg.MetadataValue.int(count) for name, count in counts.items()}


def older_metadata(workspaces: int) -> dict[str, dg.MetadataValue]:
    """Return the metadata of an hour that was not collected for some workspaces, because they no longer keep it."""
    return {"workspaces_older_than_kept": dg.MetadataValue.int(workspaces)}


def history_metadata(report: HistoryReport) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a run over histories."""
    counts = {
        "accounts": report.accounts,
        "accounts_to_be_continued": report.waiting,
        **{f"accounts_{state}": count for state, count in sorted(report.ended.items())},
        "posts": report.posts,
        "days": report.days,
        "observations": report.rows,
        "calls": report.calls,
        "requests": report.requests,
        "retries": report.retries,
    }
    metadata = whole_numbers(counts)
    if report.failures:
        metadata |= _failures(report.failures)
    return metadata


def _failures(failures: Sequence[Failure]) -> dict[str, dg.MetadataValue]:
    rows = [{"account": f.account_id, "state": f.state, "reason": f.reason, "message": f.message} for f in failures]
    return {"failures": _table(rows), "failures_total": dg.MetadataValue.int(len(rows))}


def collect_plot(instance: dg.DagsterInstance, asset: dg.AssetKey, state: HourState) -> dict[str, dg.MetadataValue]:
    """Return the observed share of the hour's accounts, and its plot over a day; nothing if there are no accounts."""
    percent = state.complete_percent
    if percent is None:
        return {}
    return {
        PERCENT: dg.MetadataValue.float(percent),
        "last_day": plot(instance, asset, hours_before(state.slot), percent, COMPLETE, "accounts observed by hour"),
    }


def no_observation_text(report: CollectReport) -> str:
    """Return the description of an hour in which a run collected accounts without getting any observation."""
    why = ": the platform no longer answers for this hour" if report.not_recoverable else ""
    return f"This run brought no observation of the {report.expected} accounts that it asked for{why}."


def watched_metadata(reports: Sequence[WatchReport]) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a run that read watched accounts: sums over the platforms, and a table of them."""
    counts = [report.counts() for report in reports]
    sums = {name: sum(one[name] for one in counts) for name in (counts[0] if counts else ())}
    metadata = whole_numbers({"dagster/partition_row_count" if n == "observations" else n: c for n, c in sums.items()})
    metadata["usd"] = dg.MetadataValue.float(round(sum((report.usd for report in reports), 0.0), 4))
    metadata["refused_by_state"] = dg.MetadataValue.json(dict(sum((one.refused for one in reports), Counter())))
    metadata["not_read_by_reason"] = dg.MetadataValue.json(dict(sum((one.reasons for one in reports), Counter())))
    if due := [report for report in reports if report.due]:
        rows = [
            {
                "platform": one.platform,
                **{name: str(number) for name, number in one.counts().items()},
                "usd": f"{one.usd:.3f}",
                "seconds": f"{one.seconds:.1f}",
            }
            for one in due
        ]
        metadata["platforms"] = _table(rows)
    if unforeseen := sorted({place for report in reports for place in report.unforeseen}):
        metadata["internal_errors_at"] = dg.MetadataValue.md(", ".join(unforeseen))
    return metadata


def roll_metadata(report: RollReport) -> dict[str, dg.MetadataValue]:
    """Return the metadata of a roll-up."""
    counts = {
        "dagster/partition_row_count": report.accounts,
        "workspaces": report.workspaces,
        "accounts": report.accounts,
        "subjects": report.subjects,
        "changed": report.replaced,
        "removed": report.removed,
        "unchanged": report.unchanged,
    }
    metadata = whole_numbers(counts)
    if report.left_as_they_are:
        metadata["workspaces_left_as_they_are"] = dg.MetadataValue.int(len(report.left_as_they_are))
    metadata["seconds"] = dg.MetadataValue.float(round(report.seconds, 3))
    if report.by_status:
        metadata["status"] = dg.MetadataValue.json(dict(report.by_status))
    return metadata


def roll_plot(
    instance: dg.DagsterInstance, asset: dg.AssetKey, start: datetime, report: RollReport
) -> dict[str, dg.MetadataValue]:
    """Return the observed share of expected slots (coverage), and its plot over the periods before."""
    if not report.expected_slots:
        return {}
    before = periods_before(report.period, start)
    return {
        PERCENT: dg.MetadataValue.float(report.coverage_percent),
        "periods_before": plot(instance, asset, before, report.coverage_percent, COMPLETE, "slots observed by period"),
    }


def _table(rows: Sequence[Mapping[str, str | None]]) -> dg.MetadataValue:
    """Return the first rows as a table for Dagster's UI; the total is a number of its own."""
    records = [dg.TableRecord({name: value or "" for name, value in row.items()}) for row in rows[:MAX_ROWS]]
    schema = dg.TableSchema(columns=[dg.TableColumn(name, "string") for name in rows[0]])
    return dg.MetadataValue.table(records=records, schema=schema)
