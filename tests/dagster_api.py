"""Dagster's GraphQL as its UI uses it."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

_BACKFILL = """mutation($p: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $p) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_RUN = """mutation($p: ExecutionParams!) { launchPipelineExecution(executionParams: $p) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUNS = """query($f: RunsFilter!) { runsOrError(filter: $f) { ... on Runs { results { runId status
  eventConnection { events { ... on ExecutionStepFailureEvent { failureMetadata { description }
    error { message cause { message } } } } } } } } }"""
_LIGHT = """query($f: RunsFilter!) { runsOrError(filter: $f) { ... on Runs { results {
  runId jobName status parentRunId tags { key value } } } } }"""
_FAILED = """query($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {
  ... on RunFailureEvent { message } ... on RunCanceledEvent { message } } } } } }"""
_DONE = """query($id: ID!) { runOrError(runId: $id) { ... on Run { eventConnection { events {
  ... on MaterializationEvent { partition } } } } } }"""
_TERMINATE = """mutation($id: String!) { terminateRun(runId: $id) { __typename
  ... on PythonError { message } } }"""
_STATUS = "query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"


class DagsterApi:
    """One webserver."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/graphql"

    def ask(self, query: str, **variables: Any) -> Any:
        answer = httpx.post(self._url, json={"query": query, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        (found,) = answer["data"].values()
        return found

    def backfill(self, ranges: Mapping[str, tuple[str, str]]) -> str:
        """Backfill assets, each from its first partition to its last; return the id."""
        parts = [
            {"assetKey": {"path": [asset]}, "partitions": {"range": {"start": first, "end": last}}}
            for asset, (first, last) in ranges.items()
        ]
        launched = self.ask(_BACKFILL, p={"partitionsByAssets": parts})
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return str(launched["backfillId"])

    def backfill_status(self, backfill_id: str) -> str:
        return str(self.ask(_STATUS, id=backfill_id)["status"])

    def launch(self, job: str, assets: Sequence[str] = (), partition: str | None = None) -> str:
        """Launch a run over one partition, whatever its key, or of a job without partitions; return the run's id."""
        selector: dict[str, Any] = {
            "repositoryName": "__repository__", "repositoryLocationName": "pipelines", "jobName": job,
        }  # fmt: skip
        if assets:
            selector["assetSelection"] = [{"path": [asset]} for asset in assets]
        tags = [{"key": "dagster/partition", "value": partition}] if partition else []
        launched = self.ask(_RUN, p={"selector": selector, "executionMetadata": {"tags": tags}})
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return str(launched["run"]["runId"])

    def runs(self, **filters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask(_RUNS, f=filters)["results"]
        return found

    def brief(self, **filters: Any) -> list[dict[str, Any]]:
        """Runs without their events: id, job, status, parent, tags."""
        found: list[dict[str, Any]] = self.ask(_LIGHT, f=filters)["results"]
        return found

    def partitions_of(self, run_id: str) -> list[str]:
        """The partitions that a run has materialised so far."""
        events = self.ask(_DONE, id=run_id)["eventConnection"]["events"]
        return [event["partition"] for event in events if event.get("partition")]

    def end_message(self, run_id: str) -> str:
        """Return the message that the UI shows at the end of a failed or cancelled run."""
        events = self.ask(_FAILED, id=run_id)["eventConnection"]["events"]
        return str([event["message"] for event in events if event.get("message")])

    def terminate(self, run_id: str) -> None:
        """Press «Terminate»."""
        self.ask(_TERMINATE, id=run_id)

    def tagged(self, key: str, value: str) -> list[dict[str, Any]]:
        return self.runs(tags=[{"key": key, "value": value}])

    def status(self, run_id: str) -> str:
        (run,) = self.runs(runIds=[run_id])
        return str(run["status"])

    def reason(self, run_id: str) -> str:
        """Return the error that the UI shows for the first failed step of a run."""
        (run,) = self.runs(runIds=[run_id])
        failures = [e for e in run["eventConnection"]["events"] if e.get("error") or e.get("failureMetadata")]
        return str(failures[0])
