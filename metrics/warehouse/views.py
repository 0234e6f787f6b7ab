"""The views of a warehouse: SQL that DuckDB and PostgreSQL both take, made from the catalog."""

from dataclasses import dataclass

from metrics.aggregation.totals import SUMMED
from metrics.catalog import COUNTERS
from metrics.warehouse.table import snake_case
from metrics.warehouse.tables import FACTS


@dataclass(frozen=True, slots=True)
class View:
    """A view. `key` identifies a row."""

    name: str
    meaning: str
    key: tuple[str, ...]
    sql: str


_ACCOUNT_DAY = next(table for table in FACTS if table.source == "accounts")
_COUNTERS = tuple(map(snake_case, COUNTERS))
_POOLED = tuple(field for field in _ACCOUNT_DAY.fields if field.name in set(map(snake_case, SUMMED)))
_NEWEST_DAYS = f"""
    SELECT workspace_id, post_id, date AS last_date, {", ".join(f"{name}_close AS {name}" for name in _COUNTERS)}
    FROM (
        SELECT
            workspace_id, post_id, date, {", ".join(f"{name}_close" for name in _COUNTERS)},
            row_number() OVER (PARTITION BY workspace_id, post_id ORDER BY date DESC) AS newest
        FROM fct_post_day
    ) AS days
    WHERE newest = 1
"""  # noqa: S608 - names of the catalog


def _sum(name: str, kind: str) -> str:
    return f"CAST(sum({name}) AS {'BIGINT' if kind == 'integer' else 'DOUBLE PRECISION'}) AS {name}"


POST_LATEST = View(
    "post_latest",
    "Each post that is now described, with its counters at the end of its last day with rows, `last_date`.",
    ("workspace_id", "post_id"),
    f"""
    SELECT
        posts.workspace_id, posts.post_id, posts.account_id, posts.platform, posts.subject_type, posts.content_type,
        posts.published_at, posts.deleted_at, posts.permalink, latest.last_date,
        {", ".join(f"latest.{name}" for name in _COUNTERS)}
    FROM dim_post AS posts
    LEFT JOIN ({_NEWEST_DAYS}) AS latest
        ON latest.workspace_id = posts.workspace_id AND latest.post_id = posts.post_id
    WHERE posts.is_current
    """,  # noqa: S608 - names of the catalog
)
ACCOUNT_DAY_POOLED = View(
    "account_day_pooled",
    "The accounts of a platform together, by day. As in the API's totals, sums are over the accounts that have a value "
    "and NULL if none has; `engagement_rate` is pooled from its parts, over `accounts_rated` of the `accounts`.",
    ("workspace_id", "date", "platform"),
    f"""
    SELECT
        workspace_id, date, platform, count(*) AS accounts, count(engagement_rate_parts_basis) AS accounts_rated,
        {", ".join(_sum(field.name, field.type) for field in _POOLED)},
        {_sum("engagement_rate_parts_engagement", "integer")}, {_sum("engagement_rate_parts_basis", "integer")},
        CAST(sum(engagement_rate_parts_engagement) AS DOUBLE PRECISION) * 100
            / CAST(nullif(sum(engagement_rate_parts_basis), 0) AS DOUBLE PRECISION) AS engagement_rate
    FROM fct_account_day
    GROUP BY workspace_id, date, platform
    """,  # noqa: S608 - names of the catalog
)
ROLLUP_REPORT = View(
    "rollup_report",
    "The posts in the shape of `social_media_reporting__rollup_report` of Fivetran's dbt package "
    "`dbt_social_media_reporting`. `source_relation` is the workspace, `post_message` always NULL, and what is "
    "unknown is NULL: `clicks` of YouTube are not its views.",
    ("source_relation", "platform", "page_id", "post_id"),
    f"""
    SELECT
        posts.published_at AS created_timestamp, posts.platform_post_id AS post_id,
        CAST(NULL AS VARCHAR) AS post_message, accounts.platform_account_id AS page_id, accounts.handle AS page_name,
        posts.permalink AS post_url, posts.workspace_id AS source_relation, posts.platform,
        latest.clicks, latest.comments, latest.impressions, latest.likes, latest.shares
    FROM dim_post AS posts
    JOIN dim_account AS accounts
        ON accounts.workspace_id = posts.workspace_id AND accounts.account_id = posts.account_id
        AND accounts.is_current
    LEFT JOIN ({_NEWEST_DAYS}) AS latest
        ON latest.workspace_id = posts.workspace_id AND latest.post_id = posts.post_id
    WHERE posts.is_current
    """,  # noqa: S608 - names of the catalog
)

VIEWS = (POST_LATEST, ACCOUNT_DAY_POOLED, ROLLUP_REPORT)
