"""The dimensions: what accounts, posts, metrics and dates are. Each is replaced as a whole per workspace."""

from metrics.warehouse.table import Field, Table

_WORKSPACE = Field("workspace_id", "text", "The workspace.", "workspaceId")
_CURRENT = Field("is_current", "boolean", "true: former versions are not recorded yet.", "isCurrent")

DIM_ACCOUNT = Table(
    "dim_account",
    "The connected accounts as they are now: one row each.",
    ("workspace_id", "account_id", "valid_from"),
    (
        _WORKSPACE,
        Field("account_id", "text", "The account.", "accountId"),
        Field("platform", "text", "The platform.", "platform"),
        Field("platform_account_id", "text", "The platform's id of the account.", "platformAccountId"),
        Field("handle", "text", "The account's name on the platform.", "handle"),
        Field("access", "text", "owner, or public if it was connected without a token.", "access"),
        Field("state", "text", "active, paused, needs_reauth, unreachable or disconnected.", "state"),
        Field("connected_at", "timestamp", "When it was first connected.", "connectedAt"),
        Field("disconnected_at", "timestamp", "Since when it is disconnected; NULL if it is not.", "disconnectedAt"),
        Field("valid_from", "timestamp", "Since when the row describes it: `connected_at`.", "validFrom"),
        _CURRENT,
    ),
    partition=("workspace_id",),
)
DIM_POST = Table(
    "dim_post",
    "The posts as they are now, deleted ones too: one row each. Captions and pictures are in no warehouse.",
    ("workspace_id", "post_id", "valid_from"),
    (
        _WORKSPACE,
        Field("post_id", "text", "The post.", "postId"),
        Field("account_id", "text", "The account.", "accountId"),
        Field("platform", "text", "The platform.", "platform"),
        Field("platform_post_id", "text", "The platform's id of the post.", "platformPostId"),
        Field("subject_type", "text", "post, story or reel.", "metricType"),
        Field("content_type", "text", "image, video, carousel, text, link, document or other.", "contentType"),
        Field("published_at", "timestamp", "When it was published; NULL if the platform does not say.", "publishedAt"),
        Field("deleted_at", "timestamp", "When it was found to be gone from the platform.", "deletedAt"),
        Field("permalink", "text",
              "Its address; NULL if it is deleted, or if the terms limit how long content is kept.", "permalink"),
        Field("valid_from", "timestamp",
              "Since when the row describes it: its publication, or when it was first seen.", "validFrom"),
        _CURRENT,
    ),
    partition=("workspace_id",),
)  # fmt: skip
DIM_METRIC = Table(
    "dim_metric",
    "The metrics of the catalog, by the definitions of the version of Tidemark that loaded them.",
    ("name", "subject", "definition_version"),
    (
        Field("name", "text", "The name in the API.", "name"),
        Field("subject", "text", "account or post: what it is a number of.", "subject"),
        Field("definition_version", "integer", "Version of the metric definitions.", "definitionVersion"),
        Field("column_name", "text", "The name in columns; a day's change of a post has `_net` after it.", "column"),
        Field("kind", "text", "counter, gauge, period_sum, period_unique or ratio.", "kind"),
        Field("unit", "text", "count, people, milliseconds, minutes or percent.", "unit"),
        Field("adds_over_time", "boolean", "Whether values of consecutive days add up.", "addsOverTime"),
        Field("adds_over_subjects", "boolean", "Whether values of several accounts or posts add up.",
              "addsOverSubjects"),
        Field("meaning", "text", "What it means.", "meaning"),
        Field("platforms", "json", "The platforms that offer it, as a list.", "platforms"),
    ),
    partition=(),
)  # fmt: skip
DIM_CALENDAR = Table(
    "dim_calendar",
    "The dates of each workspace's calendar: from the first one with rows, or 1 January, to the end of this year.",
    ("workspace_id", "date"),
    (
        _WORKSPACE,
        Field("date", "date", "The date.", "date"),
        Field("time_zone", "text", "The time zone in which it begins.", "timeZone"),
        Field("starts_at", "timestamp", "Its first hour.", "startsAt"),
        Field("hours", "integer", "How many hours it has.", "hours"),
        Field("day_of_week", "integer", "1 is Monday.", "dayOfWeek"),
        Field("week", "text", "The week, as 2026-W48.", "weekly"),
        Field("week_start", "date", "The first date of the week.", "weekStart"),
        Field("month", "text", "The month, as 2026-11.", "monthly"),
        Field("quarter", "text", "The quarter, as 2026-Q4.", "quarterly"),
        Field("year", "text", "The year, as 2026.", "yearly"),
        Field("fiscal_month", "text", "The fiscal month, as FY2026-P03.", "fiscal-month"),
        Field("fiscal_quarter", "text", "The fiscal quarter, as FY2026-Q1.", "fiscal-quarter"),
        Field("fiscal_year", "text", "The fiscal year, as FY2026.", "fiscal-year"),
        Field("is_53rd_week", "boolean",
              "Whether it is in the 53rd week of a fiscal year of weeks, which the year before has not.", "is53rdWeek"),
        Field("calendar_version", "integer", "Version of the workspace's calendar.", "calendarVersion"),
    ),
    partition=("workspace_id",),
)  # fmt: skip

DIMENSIONS = (DIM_ACCOUNT, DIM_POST, DIM_METRIC, DIM_CALENDAR)
