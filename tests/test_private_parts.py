"""The private parts of libraries that Tidemark uses exist, and take the arguments that it gives them.

A library may change them in any version without notice. If a test here fails after an upgrade, its message names the
module of Tidemark that relies on the part: read there what it is used for, and adapt it before anything else.
"""

import ast
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance
from dagster._core.launcher import DefaultRunLauncher
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import BackfillTagsTable, BulkActionsTable
from engineio.async_socket import AsyncSocket
from limits.aio.storage import RedisStorage
from redis.asyncio import Redis
from socketio import AsyncServer
from urllib3 import PoolManager
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from pipelines.platforms.http.deadlines import _Connection, _SecureConnection
from pipelines.runs.launcher import WatchedRunLauncher
from pipelines.scale.executor import StepExecutor
from serving.wire.protocol import AbortableWebSocket, BoundedProtocol

SOCKETS = "serving/endpoints/socketio/sockets.py"
ROOT = Path(__file__).parents[1]
PACKAGES = ("metrics", "pipelines", "serving", "simulator", "tidemark")


def private_imports() -> Iterator[tuple[str, str, str]]:
    """Yield what the code imports from private modules, or by a private name: its own module, the other one, a name."""
    for file in sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] not in PACKAGES:
                for name in (alias.name for alias in node.names):
                    if any(part.startswith("_") for part in (*node.module.split("."), name) if part != "__future__"):
                        yield str(file.relative_to(ROOT)), node.module, name


def test_private_imports_exist() -> None:
    # One test for all: to parse every module takes seconds, which each worker would pay if they were parameters.
    imports = [found for found in private_imports() if not found[2].startswith("__")]
    assert ("pipelines/scale/executor.py", "dagster_celery.executor", "_submit_task") in imports
    assert ("pipelines/shifted.py", "dagster", "_time") in imports
    gone = [
        f"{module} has no {name} any more: adapt {user}" for user, module, name in imports if not _there(module, name)
    ]
    assert gone == []


def _there(module: str, name: str) -> bool:
    return hasattr(importlib.import_module(module), name) or bool(importlib.util.find_spec(f"{module}.{name}"))


ANY: Any = object()

CALLS: list[tuple[str, str, tuple[Any, ...], dict[str, Any]]] = [
    ("pipelines/shifted.py", "dagster._time:_mockable_get_current_datetime", (), {}),
    ("pipelines/shifted.py", "dagster._time:_mockable_get_current_timestamp", (), {}),
    ("pipelines/shifted.py", "sqlalchemy:ColumnDefault._set_parent_with_dispatch", (ANY, ANY), {}),
    ("pipelines/ops/aggregate_late.py", "dagster._core.events:AssetMaterializationPlannedData", (ANY,),
     {"partition": "2026-01-01"}),
    ("pipelines/runs/launcher.py", "dagster._core.launcher:CheckRunHealthResult", (ANY, "why"), {}),
    ("pipelines/runs/launcher.py", "dagster._grpc.client:DagsterGrpcClient", (),
     {"port": 1, "socket": None, "host": "localhost", "use_ssl": False}),
    ("pipelines/runs/launcher.py", "dagster._grpc.client:DagsterGrpcClient.can_cancel_execution", (ANY, ANY),
     {"timeout": 10}),
    ("pipelines/runs/launcher.py", "dagster._serdes:deserialize_value", ("{}", ANY), {}),
    ("pipelines/runs/storage.py", "dagster._core.storage.event_log.sql_event_log:SqlEventLogStorage.index_connection",
     (ANY,), {}),
    ("pipelines/runs/storage.py", "dagster._core.storage.event_log.sqlite:SqliteEventLogStorage.run_connection",
     (ANY, ""), {}),
    ("pipelines/runs/storage.py", "dagster._core.storage.runs.sql_run_storage:SqlRunStorage.connect", (ANY,), {}),
    ("pipelines/runs/storage.py", "dagster._core.storage.schedules.sql_schedule_storage:SqlScheduleStorage.connect",
     (ANY,), {}),
    ("pipelines/runs/pruning.py", "dagster._core.storage.event_log:SqliteEventLogStorage.path_for_shard",
     (ANY, "run"), {}),
    ("pipelines/scale/executor.py", "dagster._core.events:EngineEventData", (), {}),
    ("pipelines/scale/executor.py", "dagster_celery.core_execution_loop:core_celery_execution_loop", (ANY, ANY),
     {"step_execution_fn": ANY}),
    ("pipelines/scale/executor.py", "dagster_celery.executor:_submit_task", (ANY, ANY, ANY, "queue", 0, None), {}),
    ("pipelines/scale/executor.py", "dagster_celery.executor:CeleryExecutor", (ANY,),
     {"broker": "", "backend": "", "config_source": {}}),
    ("pipelines/worker.py", "dagster_celery.executor:CeleryExecutor.app_args", (ANY,), {}),
    ("pipelines/worker.py", "dagster_celery.make_app:make_app", ({},), {}),
    ("pipelines/worker.py", "dagster_celery.tasks:create_task", (ANY,), {}),
    ("tidemark/orphaned_runs.py", "dagster._grpc.client:DagsterGrpcClient.ping", (ANY, ""), {}),
    ("tidemark/orphaned_runs.py", "dagster:DagsterInstance.all_instigator_state", (ANY,), {"instigator_type": ANY}),
    ("tidemark/orphaned_runs.py", "dagster:DagsterInstance.get_ticks", (ANY, "origin", "selector"),
     {"after": 0.0, "limit": 1, "statuses": []}),
    (SOCKETS, "engineio.packet:Packet", (ANY,), {}),
    (SOCKETS, "engineio.async_socket:AsyncSocket.close", (ANY,), {"wait": False}),
    (SOCKETS, "socketio.async_server:AsyncServer._handle_eio_connect", (ANY, "s", {}), {}),
    (SOCKETS, "socketio.async_server:AsyncServer._handle_eio_disconnect", (ANY, "s", "r"), {}),
    (SOCKETS, "socketio.async_manager:AsyncManager.sid_from_eio_sid", (ANY, "sid", "/"), {}),
    (SOCKETS, "socketio.async_manager:AsyncManager.eio_sid_from_sid", (ANY, "sid", "/"), {}),
]  # fmt: skip


@pytest.mark.parametrize(("user", "part", "arguments", "named"), CALLS, ids=[call[1] for call in CALLS])
def test_private_part_takes_our_arguments(
    user: str, part: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> None:
    module, _, names = part.partition(":")
    found: Any = importlib.import_module(module)
    for name in names.split("."):
        assert hasattr(found, name), f"{part} does not exist any more: adapt {user}"
        found = getattr(found, name)
    try:
        inspect.signature(found).bind(*arguments, **named)
    except TypeError as error:
        pytest.fail(f"{part} takes other arguments now ({error}): adapt {user}")


OVERRIDDEN: list[tuple[type, type, tuple[str, ...]]] = [
    (BoundedProtocol, HttpToolsProtocol, (
        "connection_made", "connection_lost", "data_received", "handle_websocket_upgrade", "on_message_begin",
        "on_headers_complete", "on_message_complete", "on_url", "on_header", "send_400_response")),
    (AbortableWebSocket, WebSocketsSansIOProtocol, ("handle_connect",)),
    (_Connection, _Connection.__mro__[1], ("connect", "_tunnel")),
    (_SecureConnection, _SecureConnection.__mro__[1], ("connect", "_tunnel")),
    (WatchedRunLauncher, DefaultRunLauncher, ("check_run_worker_health",)),
    (StepExecutor, StepExecutor.__mro__[1], ("execute",)),
]  # fmt: skip


def parameters(method: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(method).parameters)


@pytest.mark.parametrize(("ours", "base", "methods"), OVERRIDDEN, ids=[ours.__name__ for ours, _, _ in OVERRIDDEN])
def test_overridden_methods_exist_with_the_same_parameters(ours: type, base: type, methods: tuple[str, ...]) -> None:
    for name in methods:
        assert hasattr(base, name), f"{base.__name__} never calls {name} any more: adapt {ours.__module__}"
        assert parameters(getattr(ours, name)) == parameters(getattr(base, name)), f"{ours.__module__}: {name}"


def test_uvicorns_protocols_have_the_attributes_that_ours_use() -> None:
    source = inspect.getsource(HttpToolsProtocol)
    for name in ("self.transport", "self.loop", "self.url", "self.headers", "self.scope"):
        assert f"{name} = " in source or f"{name}: " in source, f"{name} is gone: adapt serving/wire/protocol.py"
    cycle = inspect.getsource(RequestResponseCycle.__init__)
    for name in ("disconnected", "response_started", "response_complete", "flow", "keep_alive", "default_headers",
                 "transport", "waiting_for_100_continue", "message_event", "on_response"):  # fmt: skip
        assert f"self.{name} = " in cycle, f"{name} is gone: adapt write_whole in serving/wire/protocol.py"
    assert "self.scope" in inspect.getsource(WebSocketsSansIOProtocol.handle_connect), "serving/wire/protocol.py"


def test_engineio_keeps_connections_with_a_queue_each() -> None:
    server = AsyncServer(async_mode="asgi")
    assert isinstance(server.eio.sockets, dict), "serving/endpoints/socketio/sockets.py looks connections up there"
    assert isinstance(AsyncSocket(server.eio, "sid").queue.qsize(), int), (
        "serving/endpoints/socketio/sockets.py limits its size"
    )


def test_limits_takes_our_redis_client() -> None:
    redis = Redis()
    bridge: Any = RedisStorage("async+redis://", implementation="redispy").bridge
    bridge.connection_getter = lambda _: redis
    bridge.register_scripts()
    message = "limits opens a client of its own now: adapt serving/auth/ratelimit.py"
    assert bridge.get_connection() is redis, message
    assert bridge.lua_incr_expire.registered_client is redis, message


def test_requests_of_both_schemes_go_through_our_pools() -> None:
    assert set(PoolManager().pool_classes_by_scheme) == {"http", "https"}, "pipelines/platforms/http/deadlines.py"


def test_dagsters_tables_have_the_columns_that_pruning_reads() -> None:
    columns = {
        SqlEventLogStorageTable: {"id", "run_id", "timestamp", "dagster_event_type", "asset_key", "partition"},
        AssetCheckExecutionsTable: {"id", "asset_key", "check_name", "create_timestamp"},
        BulkActionsTable: {"id", "key", "status", "timestamp"},
        BackfillTagsTable: {"id", "backfill_id"},
    }
    for table, names in columns.items():
        missing = names - set(table.c.keys())
        assert not missing, f"{table.name} has no {sorted(missing)} any more: adapt pipelines/runs/storage.py"


def test_dagster_dates_rows_with_the_default_that_is_replaced() -> None:
    from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
    from dagster._core.storage.runs.schema import RunStorageSqlMetadata
    from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
    from dagster._core.storage.sql import get_sql_current_timestamp

    for schema in (SqlEventLogStorageMetadata, RunStorageSqlMetadata, ScheduleStorageSqlMetadata):
        defaults: list[Any] = [column.server_default for table in schema.tables.values() for column in table.columns]
        dated = [one for one in defaults if isinstance(getattr(one, "arg", None), get_sql_current_timestamp)]
        assert dated, "no column of Dagster's storage is dated by the database any more: adapt pipelines/shifted.py"


def test_dagsters_instance_frees_slots_of_runs_that_ended() -> None:
    with DagsterInstance.ephemeral() as instance:
        instance.event_log_storage.free_concurrency_slots_for_run("run")
