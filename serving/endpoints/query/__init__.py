"""Query parameters: one strict model per route.

`values` has the types of single values, `base` turns a request into a model, and the models are in `reads` and `work`.
"""

from serving.endpoints.query.base import NoQuery, Query, parse
from serving.endpoints.query.reads import (
    AggregatedQuery,
    AnomaliesQuery,
    BenchmarksQuery,
    CatalogQuery,
    ExportQuery,
    ForecastsQuery,
    HourlyForecastsQuery,
    MetricsQuery,
    OutlooksQuery,
    PageQuery,
    PostInsightsQuery,
    PostMetricsQuery,
    PostsQuery,
    RangeQuery,
    SeriesQuery,
)
from serving.endpoints.query.work import (
    AggregateQuery,
    CollectQuery,
    ConnectQuery,
    InvalidateQuery,
    StreamQuery,
    TicketQuery,
)

__all__ = [
    "AggregateQuery",
    "AggregatedQuery",
    "AnomaliesQuery",
    "BenchmarksQuery",
    "CatalogQuery",
    "CollectQuery",
    "ConnectQuery",
    "ExportQuery",
    "ForecastsQuery",
    "HourlyForecastsQuery",
    "InvalidateQuery",
    "MetricsQuery",
    "NoQuery",
    "OutlooksQuery",
    "PageQuery",
    "PostInsightsQuery",
    "PostMetricsQuery",
    "PostsQuery",
    "Query",
    "RangeQuery",
    "SeriesQuery",
    "StreamQuery",
    "TicketQuery",
    "parse",
]
