"""A Redis Cluster for tests: three primaries, a replica of each, real servers that can be killed."""

import random
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from tests.waiting import until
from tidemark.stack import locate
from tidemark.stack.ports import HOST, is_free
from tidemark.stack.process import Child

_SLOTS = 16384
_PRIMARIES = 3
_START_SECONDS = 30.0
BUS = 10_000
"""From a node's port to that of the cluster's bus."""
_PORTS = range(12_000, 22_000)
"""The kernel gives neither these ports nor those of their buses to a program that asks for any free port."""
_PATIENCE_MS, _TIMEOUT_MS = 4_000, 1_000
"""For how long a node may be silent: while all start on a busy machine, and then."""


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

    def agreed(self) -> bool:
        """Tell whether every living node says that all slots are served, and by the same primaries and replicas."""
        views = [_view(port) for port in self._nodes]
        return all(views) and views.count(views[0]) == len(views)


@contextmanager
def redis_cluster(folder: Path) -> Iterator[RedisCluster]:
    """Run an empty cluster of three primaries with a replica each, which take over after about two seconds."""
    server = locate.redis_server()
    with ExitStack() as stack:
        nodes: dict[int, Child] = {}
        for port in free_ports(2 * _PRIMARIES, random.sample(_PORTS, len(_PORTS))):
            data = folder / str(port)
            data.mkdir(parents=True)
            command = [
                str(server.program), "--bind", HOST, "--port", str(port), "--dir", str(data), "--save", "",
                "--appendonly", "no", "--cluster-enabled", "yes", "--cluster-node-timeout", str(_PATIENCE_MS),
                "--cluster-config-file", "nodes.conf", "--repl-diskless-sync-delay", "0",
            ]  # fmt: skip
            nodes[port] = Child.start("redis", command, log=folder / f"{port}.log", environment=server.environment)
            stack.callback(nodes[port].stop, 2.0)
        for port, child in nodes.items():
            child.wait_until(lambda port=port: bool(_info(port)), _START_SECONDS)  # type: ignore[misc]
        _join(list(nodes))
        cluster = RedisCluster(nodes)
        until(cluster.agreed, _START_SECONDS)
        for port in nodes:
            _ask(port, "CONFIG", "SET", "cluster-node-timeout", _TIMEOUT_MS)
        yield cluster


def free_ports(count: int, candidates: Iterable[int]) -> list[int]:
    """Return the first candidates that are free, as their ports of the bus are."""
    found = (port for port in candidates if is_free(port) and is_free(port + BUS))
    return list(islice(found, count))


def _join(ports: list[int]) -> None:
    """Have the nodes meet, share the slots among the first half, and let the others follow these."""
    primaries, replicas = ports[:_PRIMARIES], ports[_PRIMARIES:]
    for number, port in enumerate(primaries):
        slots = range(number * _SLOTS // _PRIMARIES, (number + 1) * _SLOTS // _PRIMARIES)
        _ask(port, "CLUSTER", "ADDSLOTS", *slots)
        _ask(port, "CLUSTER", "SET-CONFIG-EPOCH", number + 1)
    # Each with each: gossip alone takes seconds.
    for one, other in combinations(ports, 2):
        _ask(one, "CLUSTER", "MEET", HOST, other)
    identities = {_ask(port, "CLUSTER", "MYID") for port in ports}
    until(lambda: all(_known(port) == identities for port in ports), _START_SECONDS)
    for primary, replica in zip(primaries, replicas, strict=True):
        _ask(replica, "CLUSTER", "REPLICATE", _ask(primary, "CLUSTER", "MYID"))
    until(lambda: all(_linked(port) for port in replicas), _START_SECONDS)


def _ask(port: int, *command: Any) -> Any:
    with Redis(host=HOST, port=port) as client:
        return client.execute_command(*command)


def _info(port: int) -> dict[str, str]:
    try:
        with Redis(host=HOST, port=port, socket_connect_timeout=0.5, socket_timeout=0.5, decode_responses=True) as one:
            return dict(one.cluster("INFO"))
    except RedisError:
        return {}


def _known(port: int) -> set[bytes]:
    """Return the ids of the nodes that a node has met; one that it is still meeting has another until then."""
    lines = _ask(port, "CLUSTER", "NODES").splitlines()
    return {line.split()[0] for line in lines if b"handshake" not in line}


def _view(port: int) -> list[Any]:
    """Return the nodes of each slot range, as one node sees it; empty if a range lacks a primary or a replica."""
    if _info(port).get("cluster_state") != "ok":
        return []
    ranges = _ask(port, "CLUSTER", "SLOTS")
    return sorted(ranges) if all(len(replicas) == 1 for _, _, _, *replicas in ranges) else []


def _linked(port: int) -> bool:
    with Redis(host=HOST, port=port) as client:
        return bool(client.info("replication").get("master_link_status") == "up")
