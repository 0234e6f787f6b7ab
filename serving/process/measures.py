"""The numbers that the serving layer keeps of itself; `serving.process.telemetry` shows them to Prometheus."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)

REQUESTS = Histogram(
    "tidemark_http_request_seconds",
    "Seconds until an answer began, by route template, method and status.",
    ("method", "route", "status"),
    buckets=_SECONDS,
)
CACHE = Counter("tidemark_cache_answers", "Answers to reads, by kind and whether they were kept.", ("kind", "result"))
STREAMS = Gauge("tidemark_streams_open", "Streams that are open.", multiprocess_mode="livesum")
DROPS = Counter("tidemark_stream_drops", "Streams that lost their place, by reason.", ("reason",))
LAG = Histogram("tidemark_event_lag_seconds", "Seconds from an event's id to its fan-out.", buckets=_SECONDS)
LIMITED = Counter("tidemark_rate_limited", "Requests refused because their key was over its rate.")
UNCHECKED = Counter("tidemark_rate_unchecked", "Requests let through because Redis could not be asked for their rate.")
REFUSED = Counter("tidemark_auth_failures", "Requests without a valid key, by reason.", ("reason",))
