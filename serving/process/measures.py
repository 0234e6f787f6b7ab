"""Prometheus metrics of the serving layer; `serving.process.telemetry` exposes them."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

REQUESTS = Histogram(
    "tidemark_http_request_seconds",
    "Seconds from a request to the start of its response, by route template, method and status.",
    ("method", "route", "status"),
    buckets=_SECONDS,
)
CACHE = Counter(
    "tidemark_cache_answers",
    "Answers to reads, by kind of read and by cache result: hit, miss, or bypass while Redis is away.",
    ("kind", "result"),
)
STREAMS = Gauge("tidemark_streams_open", "Open streams.", multiprocess_mode="livesum")
DROPS = Counter("tidemark_stream_drops", "Streams that lost their place in the events, by reason.", ("reason",))
LAG = Histogram("tidemark_event_lag_seconds", "Seconds from an event's id to its fan-out.", buckets=_SECONDS)
LIMITED = Counter("tidemark_rate_limited", "Requests refused because their key was over its rate.")
UNCHECKED = Counter("tidemark_rate_unchecked", "Requests let through unchecked because Redis was unavailable.")
REFUSED = Counter("tidemark_auth_failures", "Requests refused for lack of a valid credential, by reason.", ("reason",))
TASK_FAILURES = Counter(
    "tidemark_task_failures", "Failures of long-lived tasks, which are started again after each.", ("task",)
)
MALFORMED = Counter("tidemark_events_malformed", "Entries of event streams that are no events and were skipped.")
REFUSED_CONNECTIONS = Counter(
    "tidemark_connections_refused", "Connections that were cut because there were too many, of their address or in all."
)
