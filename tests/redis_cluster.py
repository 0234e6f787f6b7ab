"""A Redis Cluster for tests: three primaries, a replica of each, real servers that can be killed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from tests.waiting import until
from tidemark.stack import locate
from tidemark.stack.ports import HOST, free_port
from tidemark.stack.process import Child

_SLOTS = 16384
_PRIMARIES = 3
_START_SECONDS = 30.0


class RedisCluster:
    """Six nodes; `url` names the first three."""

    def __init__(self, nodes: dict[int, Child]) -> None:
        self._nodes = nodes
        self.url = "redis+cluster://" + ",".join(f"{HOST}:{port}" for port in list(nodes)[:_PRIMARIES])

    def kill_primary_of(self, key: str) -> None:
        """Kill the primary that holds a key, as a power cut would."""
        slot = key_slot(key.encode())
        for low, high, (_, port, *_), *_ in _ask(next(iter(self._nodes)), "CLUSTER", "SLOTS"):
            if low <= slot <= high:
                self._nodes.pop(port).process.kill()

    def covered(self) -> bool:
        """Tell whether every living node says that all slots are served."""
        return all(_info(port).get("cluster_state") == "ok" for port in self._nodes)


@contextmanager
def redis_cluster(folder: Path) -> Iterator[RedisCluster]:
    """Run an empty cluster of three primaries with a replica each, which take over after about two seconds."""
    server = locate.redis_server()
    with ExitStack() as stack:
        nodes: dict[int, Child] = {}
        for port in [_free_port() for _ in range(2 * _PRIMARIES)]:
            data = folder / str(port)
            data.mkdir(parents=True)
            command = [
                str(server.program), "--bind", HOST, "--port", str(port), "--dir", str(data), "--save", "",
                "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000",
                "--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0",
            ]  # fmt: skip
            nodes[port] = Child.start("redis", command, log=folder / f"{port}.log", environment=server.environment)
            stack.callback(nodes[port].stop, 2.0)
        for port, child in nodes.items():
            child.wait_until(lambda port=port: bool(_info(port)), _START_SECONDS)  # type: ignore[misc]
        _join(list(nodes))
        cluster = RedisCluster(nodes)
        until(cluster.covered, _START_SECONDS)
        yield cluster


def _join(ports: list[int]) -> None:
    """Have the nodes meet, share the slots among the first half, and let the others follow these."""
    primaries, replicas = ports[:_PRIMARIES], ports[_PRIMARIES:]
    for number, port in enumerate(primaries):
        slots = range(number * _SLOTS // _PRIMARIES, (number + 1) * _SLOTS // _PRIMARIES)
        _ask(port, "CLUSTER", "ADDSLOTS", *slots)
        _ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    for port in ports[1:]:
        _ask(port, "CLUSTER", "MEET", HOST, ports[0])
    until(lambda: all(_info(port).get("cluster_known_nodes") == str(len(ports)) for port in ports), _START_SECONDS)
    for primary, replica in zip(primaries, replicas, strict=True):
        identity = _ask(primary, "CLUSTER", "MYID")
        _ask(replica, "CLUSTER", "REPLICATE", identity)
    until(lambda: all(_linked(port) for port in replicas), _START_SECONDS)


def _free_port() -> int:
    """Return a free port whose neighbour for the cluster's bus is a port at all."""
    while (port := free_port()) > 55_535:
        pass
    return port


def _ask(port: int, *command: Any) -> Any:
    with Redis(host=HOST, port=port) as client:
        return client.execute_command(*command)


def _info(port: int) -> dict[str, str]:
    try:
        with Redis(host=HOST, port=port, socket_connect_timeout=0.5, socket_timeout=0.5, decode_responses=True) as one:
            return dict(one.cluster("INFO"))
    except RedisError:
        return {}


def _linked(port: int) -> bool:
    with Redis(host=HOST, port=port) as client:
        return client.info("replication").get("master_link_status") == "up"
