"""One example per operation: an answer to it, which matches its schema."""

from collections.abc import Mapping
from typing import Any

from metrics import best_times, content_decay, post_outlooks
from metrics.anomalies import MODEL as ANOMALY_MODEL
from metrics.breakouts import MODEL as BREAKOUT_MODEL
from metrics.catalog import DEFINITION_VERSION
from metrics.forecasts import HOURLY_MODEL, MODEL
from serving.description.benchmark_examples import BENCHMARKS
from serving.schemas.base import EXAMPLE_TIME

Json = dict[str, Any]

_WORKSPACE, _ACCOUNT, _POST, _OPERATION = "demo-north", "acc_7kq2", "post_a41x", "op_5d0f"
_READ_AT, _DAY, _NEXT_DAY = "2026-01-15T11:00:04Z", "2026-01-15T00:00:00Z", "2026-01-16T00:00:00Z"
_OF_ACCOUNT: Json = {"workspaceId": _WORKSPACE, "accountId": _ACCOUNT, "platform": "instagram"}
_COVERAGE: Json = {"expectedSlots": 24, "observedSlots": 24}
_LAST_PAGE: Json = {"nextCursor": None, "hasMore": False, "limit": 100}
_WHOLE: Json = {"nextCursor": None, "hasMore": False, "limit": None}
_META: Json = {"generatedAt": "2026-01-16T08:12:40Z", "dataVersion": "9f2c-184"}
_RANGE: Json = {**_META, "startDate": "2026-01-15", "endDate": "2026-01-15", "coverage": _COVERAGE}
_OBSERVED: Json = {
    **_OF_ACCOUNT, "metricType": "account", "timestamp": EXAMPLE_TIME, "collectedAt": _READ_AT, "metadata": {},
    "metrics": {"followers": 18250}, "unavailable": {"reach": "not_yet_available"},
}  # fmt: skip
_OBSERVED_POST: Json = {
    **_OF_ACCOUNT, "metricType": "post", "timestamp": EXAMPLE_TIME, "collectedAt": _READ_AT,
    "metadata": {"postId": _POST, "platformPostId": "17912345678901234", "contentType": "image"},
    "metrics": {"likes": 41, "comments": 3, "shares": 2, "saves": 4, "views": 980, "engagement": 50}, "unavailable": {},
}  # fmt: skip
_POST_NOW: Json = {
    **_OF_ACCOUNT, "postId": _POST, "platformPostId": "17912345678901234", "metricType": "post", "contentType": "image",
    "publishedAt": "2026-01-14T17:30:00Z", "permalink": "https://www.instagram.com/p/CSgf9BChwVq/",
    "captionExcerpt": "Opening on Saturday at nine: bread, coffee and a small surprise",
    "thumbnailUrl": "https://scontent.cdninstagram.com/v/t51/1_n.jpg?oe=69697F80",
    "thumbnailExpiresAt": "2026-01-16T00:00:00Z",
    "metrics": {**_OBSERVED_POST["metrics"], "engagementRate": 5.1}, "unavailable": {},
    "engagementRateBasis": "views", "timestamp": EXAMPLE_TIME, "collectedAt": _READ_AT,
}  # fmt: skip
_ROLLUP: Json = {
    **_OF_ACCOUNT, "period": "daily", "periodStart": _DAY, "periodEnd": _NEXT_DAY,
    "aggregatedMetrics": {"followers": 18250, "followerGrowth": 31, "totalEngagement": 212, "postCount": 1},
    "unavailable": {"totalClicks": "not_supported"}, "coverage": _COVERAGE, "status": "complete",
    "definitionVersion": DEFINITION_VERSION, "computedAt": "2026-01-16T00:04:11Z", "runId": "b51f0c4e",
}  # fmt: skip
_TOTAL: Json = {
    "periodStart": _DAY, "periodEnd": _NEXT_DAY, "periodLabel": "2026-01-15",
    "metrics": {"followers": 18250, "followerGrowth": 31, "totalEngagement": 212, "postCount": 1},
    "unavailable": {"reach": "not_additive"}, "missing": {}, "coverage": _COVERAGE, "status": "complete",
    "accounts": 1, "expectedAccounts": 1,
}  # fmt: skip
_DAYS: Json = {"dayBasis": {"instagram": "America/Los_Angeles"}}
_OF_IMAGES: Json = {
    **_TOTAL, "contentType": "image", "metrics": {"totalEngagement": 180, "postCount": 1, "postsMeasured": 14},
}  # fmt: skip
_CALENDAR: Json = {
    "timeZone": "UTC", "weekStart": "monday", "fiscalYearStart": "01-01", "fiscalPattern": "months", "version": 0,
}  # fmt: skip
_SERIES: Json = {
    "metric": "totalEngagement", "group": {"platform": "instagram"}, "unit": "count", "values": [212],
    "status": ["complete"], "unavailable": {}, "missing": {}, "total": 212,
    "comparison": {
        "compare": "previous", "current": {"start": _DAY, "end": _NEXT_DAY, "days": 1},
        "previous": {"start": "2026-01-14T00:00:00Z", "end": _DAY, "days": 1}, "comparable": True, "leftOut": [],
        "change": {"current": 212, "previous": 200, "delta": 12, "deltaPercent": 6.0},
    },
}  # fmt: skip
_CONNECTED: Json = {
    **_OF_ACCOUNT, "platformAccountId": "17841400000000001", "handle": "north.coffee", "state": "active",
    "connectedAt": "2025-10-24T00:00:00Z", "lastCollectedSlot": EXAMPLE_TIME, "lastCollectedAt": _READ_AT,
}  # fmt: skip
_NEW_YORK: Json = {**_CALENDAR, "timeZone": "America/New_York", "weekStart": "sunday", "version": 1}
_CLOSED: Json = {
    "periodStart": "2026-01-14T00:00:00Z", "periodEnd": _DAY, "periodLabel": "2026-01-14", "value": 86,
}  # fmt: skip
_ALERT: Json = {
    "name": "few-likes", "title": "Few new likes", "metric": "totalLikes", "comparison": "below", "threshold": 100,
    "period": "daily", "state": "firing", "last": {**_CLOSED, "evaluatedAt": _READ_AT}, "firedAt": _READ_AT,
    "channels": [{"id": "ch_5b1c40f7a2e9", "scheme": "slack", "failures": 0, "sentAt": _READ_AT}],
    "createdAt": "2026-01-02T08:00:00Z", "changedAt": "2026-01-02T08:00:00Z",
}  # fmt: skip
_FIRING: Json = {
    **_CLOSED, "firingId": "demo-north|few-likes|daily|2026-01-14T00:00:00Z", "metric": "totalLikes",
    "comparison": "below", "threshold": 100, "firedAt": _READ_AT,
    "deliveries": [{"channel": "ch_5b1c40f7a2e9", "state": "sent", "attempts": 1}],
}  # fmt: skip
_ANOMALY_ALERTS: Json = {
    "minSeverity": 7, "channels": _ALERT["channels"], "createdAt": "2026-01-02T08:00:00Z",
    "changedAt": "2026-01-02T08:00:00Z",
    "messages": [{
        "messageId": "am_9c1be0d5a3f24c7f8a61d20b", "anomalyIds": ["an_5d0f"], "madeAt": _READ_AT,
        "deliveries": _FIRING["deliveries"],
    }],
}  # fmt: skip
_CAMPAIGN: Json = {
    "name": "spring", "title": "Spring sale", "startDate": "2026-03-01", "endDate": "2026-03-21", "tag": "springsale",
    "createdAt": _READ_AT, "changedAt": _READ_AT,
}  # fmt: skip
_WATCHED: Json = {
    "platform": "instagram", "key": "@rival.coffee", "handle": "rival.coffee", "label": "Rival Coffee",
    "group": "coffee", "state": "pending", "stateReason": "It is looked up when public numbers are read next.",
    "stateSince": _READ_AT, "watchedSince": _DAY, "source": "public",
}  # fmt: skip
_BY_HAND: Json = {
    **_WATCHED, "platform": "tiktok", "state": "unsupported", "source": "manual", "enteredBy": "frontend",
    "stateReason": "TikTok has no lawful route to numbers of other accounts: its Research API is closed to commercial "
    "products. Its numbers can be entered by hand.",
}  # fmt: skip
_METRIC: Json = {
    "name": "followers", "subject": "account", "kind": "gauge", "unit": "count", "meaning": "Followers of the account.",
    "addsOverTime": False, "addsOverSubjects": True,
    "platforms": {
        "instagram": {
            "field": "followers_count", "metricTypes": ["account"], "since": None, "changed": [], "note": None,
        },
    },
}  # fmt: skip
_REQUESTED: Json = {
    "data": {
        "operationId": _OPERATION, "workspaceId": _WORKSPACE, "kind": "collect", "state": "queued",
        "createdAt": EXAMPLE_TIME, "updatedAt": EXAMPLE_TIME,
    }
}  # fmt: skip
_ROLLED: Json = {"data": {**_REQUESTED["data"], "kind": "aggregate", "period": "daily", "periodStart": _DAY}}
_RUNNING: Json = {
    "data": {**_REQUESTED["data"], "state": "running", "runId": "b51f0c4e",
             "platforms": {"instagram": {"done": 2, "expected": 4}}}
}  # fmt: skip
_DEFINITION: Json = {
    "name": "save_rate", "version": 1,
    "versions": [{
        "version": 1, "title": "Rate of saves", "expression": "percent(saves, views)", "unit": "percent",
        "normalForm": "percent(saves, views)", "uses": {}, "createdAt": EXAMPLE_TIME,
    }],
}  # fmt: skip
_OF_WEEK: Json = {
    "start": "2026-01-12T00:00:00Z", "end": "2026-01-19T00:00:00Z", "value": 2.5,
    "parts": {"over": 25, "under": 1000, "measured": 12},
}  # fmt: skip
_FORECAST: Json = {
    "accountId": _ACCOUNT, "platform": "instagram", "model": MODEL, "madeAt": "2026-01-16T06:00:09Z",
    "origin": "2026-01-15", "trainedFrom": "2025-10-24", "trainedTo": "2026-01-15", "expected": 84, "observed": 83,
    "method": "combination",
    "points": [{"date": "2026-01-16", "value": 204.5, "lo80": 171.2, "hi80": 244.1, "lo95": 140.8, "hi95": 296.7}],
    "total": {"value": 1406.2, "lo80": 1288.0, "hi80": 1535.3},
    "backtest": {"origins": 9, "mase": 0.81, "skill": 0.14, "coverage80": 0.83, "coverage95": 0.97}, "caveats": [],
}  # fmt: skip
_OF_NEXT_HOURS: Json = {
    "accountId": _ACCOUNT, "platform": "instagram", "model": HOURLY_MODEL,
    "madeAt": "2026-01-16T06:40:12Z", "origin": "2026-01-16T05:00:00Z",
    "trainedFrom": "2025-11-21T06:00:00Z", "trainedTo": "2026-01-16T05:00:00Z", "expected": 1344, "observed": 1339,
    "method": "smoothing",
    "points": [
        {"at": "2026-01-16T06:00:00Z", "value": 12.1, "lo80": 8.3, "hi80": 17.4, "lo95": 5.9, "hi95": 22.6}
    ],
    "total": {"value": 611.4, "lo80": 530.8, "hi80": 704.2},
    "backtest": {"origins": 24, "mase": 0.71, "skill": 0.31, "coverage80": 0.81, "coverage95": 0.95}, "caveats": [],
}  # fmt: skip
_ANOMALY: Json = {
    **_OF_ACCOUNT, "anomalyId": "an_5d0f", "scope": "account", "metric": "totalViews", "grain": "hour",
    "from": EXAMPLE_TIME, "to": "2026-01-15T12:00:00Z", "kind": "spike", "direction": "up", "observed": 1700.0,
    "expected": 131.4, "lo": 70.2, "hi": 211.9, "score": 21.3, "severity": 9, "model": ANOMALY_MODEL, "status": "ended",
    "foundAt": "2026-01-15T11:25:09Z", "changedAt": "2026-01-16T00:25:11Z",
    "known": [
        {"kind": "campaign", "name": "spring", "title": "Spring sale", "startDate": "2026-01-12",
         "endDate": "2026-01-18"},
    ],
    "evidence": {
        "history": [{"at": EXAMPLE_TIME, "value": 900.0}], "similar": [{"anomalyId": "an_41c2", "score": 9.8}],
        "posts": [{"postId": _POST, "value": 1480.0, "share": 0.94}],
    },
}  # fmt: skip


def _sum_of_one(forecast: Json) -> Json:
    """Return the forecast of a workspace with one account."""
    of = {"accountIds": [_ACCOUNT], "leftOut": [], "difference": 0.0}
    return {name: value for name, value in forecast.items() if name not in ("accountId", "platform")} | of


_BREAKOUT: Json = {
    **_OF_ACCOUNT, "anomalyId": "an_8c1e", "scope": "post", "postId": _POST, "metricType": "post",
    "metric": "engagement",
    "grain": "hour", "from": "2026-01-14T17:30:00Z", "to": "2026-01-15T17:30:00Z", "kind": "breakout",
    "direction": "up", "age": 24.0, "observed": 1230.0, "expected": 205.0, "lo": 70.2, "hi": 611.9, "multiple": 6.0,
    "percentile": 98.0, "score": 4.1, "severity": 5, "model": BREAKOUT_MODEL, "status": "ended",
    "foundAt": "2026-01-15T02:25:09Z", "changedAt": "2026-01-15T19:25:11Z",
    "evidence": {
        "history": [{"at": "2026-01-12T09:00:00Z", "value": 188.0}, {"at": "2026-01-14T17:30:00Z", "value": 1230.0}],
        "similar": [{"anomalyId": "an_2b7d", "score": 3.4, "postId": "post_90fe"}],
        "ages": [
            {"age": 6.0, "observed": 610.0, "expected": 118.0, "multiple": 5.2, "percentile": 97.0, "score": 3.6,
             "posts": 64, "breakout": True},
            {"age": 24.0, "observed": 1230.0, "expected": 205.0, "multiple": 6.0, "percentile": 98.0, "score": 4.1,
             "posts": 63, "breakout": True},
        ],
    },
}  # fmt: skip
_OF_POSTS: Json = {
    "accountId": _ACCOUNT, "platform": "instagram", "metricType": "reel", "madeAt": "2026-01-16T06:30:04Z",
    "trainedFrom": "2025-07-21", "trainedTo": "2026-01-08", "expected": 131, "observed": 126,
}  # fmt: skip
_DECAY: Json = {
    **_OF_POSTS, "model": content_decay.MODEL,
    "points": [{"age": 24, "q1": 0.68, "median": 0.79, "q3": 0.88, "posts": 124}],
    "halfLife": {"q1": 5.4, "median": 9.8, "q3": 14.9},
}  # fmt: skip
_BEST_TIMES: Json = {
    **_OF_POSTS, "model": best_times.MODEL, "timeZone": "Europe/Berlin", "tried": 25, "p": 0.004,
    "slots": [{"weekday": 1, "hour": 18, "lift": 0.24, "lo80": 0.1, "hi80": 0.4, "posts": 31}],
    "backtest": {"claimed": 0.22, "realised": 0.17, "posts": 9},
}  # fmt: skip
_OUTLOOK: Json = {
    **_OF_POSTS, "model": post_outlooks.MODEL, "postId": "post_a41x", "publishedAt": "2026-01-15T18:04:00Z",
    "age": 12.0, "engagement": 214.0, "trainedOn": "platform", "method": "boosted", "value": 402.1, "lo80": 268.0,
    "hi80": 641.5, "lo95": 221.3, "hi95": 1020.9, "percentileOfAccount": 81.0, "probabilityTop10": 0.19,
    "backtest": {"posts": 640, "error": 0.29, "errorLogLinear": 0.41, "coverage80": 0.8, "coverage95": 0.95},
}  # fmt: skip
_OBSERVATIONS: Json = {"data": [_OBSERVED, _OBSERVED_POST], "page": _LAST_PAGE, "meta": _RANGE}

EXAMPLES: Mapping[str, Any] = {
    "workspaceMetrics": _OBSERVATIONS,
    "accountMetrics": _OBSERVATIONS,
    "postMetrics": {"data": {**_POST_NOW, "observations": [_OBSERVED_POST]}, "page": _LAST_PAGE, "meta": _RANGE},
    "aggregated": {
        "data": [_ROLLUP], "page": _LAST_PAGE, "meta": {**_RANGE, **_DAYS, "period": "daily"}, "totals": [_TOTAL],
        "groups": [_OF_IMAGES],
    },
    "series": {
        "data": {
            "interval": "daily", "periods": [{"start": _DAY, "end": _NEXT_DAY, "label": "2026-01-15"}],
            "range": {"start": _DAY, "end": _NEXT_DAY, "label": "2026-01-15/2026-01-15"}, "series": [_SERIES],
        },
        "meta": {**_RANGE, **_DAYS, "calendar": _CALENDAR},
    },
    "forecasts": {
        "data": {
            "metric": "totalEngagement", "unit": "count", "horizon": 7, "forecasts": [_FORECAST],
            "workspace": _sum_of_one(_FORECAST),
        },
        "meta": _META,
    },
    "hourlyForecasts": {
        "data": {
            "metric": "totalEngagement", "unit": "count", "horizon": 48, "forecasts": [_OF_NEXT_HOURS],
            "workspace": _sum_of_one(_OF_NEXT_HOURS),
        },
        "meta": _META,
    },
    "anomalies": {
        "data": [_ANOMALY, _BREAKOUT], "page": _LAST_PAGE,
        "meta": {
            **_META, "startDate": "2026-01-15", "endDate": "2026-01-15",
            "watched": {
                "series": 31, "unavailable": 9, "budget": 0.25, "posts": {"types": 3, "unavailable": 1},
            },
        },
    },
    "putAnomaly": {"data": {**_ANOMALY, "acknowledgedBy": "frontend", "acknowledgedAt": "2026-01-16T08:12:40Z"}},
    "forecastPool": {"data": {"pooled": True}},
    "putForecastPool": {"data": {"pooled": True}},
    "alarmBudget": {"data": {"alarmsPerWeek": 0.25}},
    "putAlarmBudget": {"data": {"alarmsPerWeek": 0.25}},
    "benchmarks": {
        "data": BENCHMARKS, "page": _LAST_PAGE,
        "meta": {
            **_META, "startDate": "2026-01-15", "endDate": "2026-01-15", "period": "weekly", "calendar": _CALENDAR,
            "platformsOff": [],
        },
    },
    "decay": {"data": [_DECAY], "meta": _META},
    "bestTimes": {"data": [_BEST_TIMES], "meta": _META},
    "outlooks": {"data": [_OUTLOOK], "meta": _META},
    "posts": {"data": [_POST_NOW], "page": _LAST_PAGE, "meta": _RANGE},
    "accounts": {"data": [_CONNECTED], "page": _WHOLE, "meta": _META},
    "export": "accountId,timestamp,followers\nacc_7kq2,2026-01-15T10:00:00Z,18250\n",
    "me": {
        "data": {
            "name": "frontend", "keyPrefix": "tm_live_3fK9aQ", "scopes": ["read", "collect"], "expiresAt": None,
            "workspaces": [{"id": _WORKSPACE, "name": _WORKSPACE, "timeZone": "UTC"}],
            "rate": {"limit": 600, "remaining": 597},
        }
    },
    "workspaces": {
        "data": [
            {"workspaceId": _WORKSPACE, "accounts": {"active": 4}, "calendar": _CALENDAR, "newestSlot": EXAMPLE_TIME},
        ],
        "page": _WHOLE, "meta": {},
    },
    "catalog": {
        "data": [_METRIC], "page": _WHOLE,
        "meta": {"engagementRateBasis": {"instagram": "views"}, **_DAYS, "definitionVersion": DEFINITION_VERSION},
    },
    "alerts": {"data": [_ALERT], "page": _WHOLE, "anomalies": _ANOMALY_ALERTS},
    "alert": {"data": {**_ALERT, "firings": [_FIRING]}},
    "putAlert": {"data": {**_ALERT, "firings": [_FIRING]}},
    "deleteAlert": {"data": {**_ALERT, "firings": [_FIRING]}},
    "putAnomalyAlerts": {"data": _ANOMALY_ALERTS},
    "anomalyAlerts": {"data": _ANOMALY_ALERTS},
    "deleteAnomalyAlerts": {"data": _ANOMALY_ALERTS},
    "campaigns": {"data": [_CAMPAIGN], "page": _WHOLE},
    "campaign": {"data": _CAMPAIGN},
    "putCampaign": {"data": _CAMPAIGN},
    "deleteCampaign": {"data": _CAMPAIGN},
    "watchedAccounts": {
        "data": [_WATCHED, _BY_HAND], "page": _WHOLE, "meta": {"others": 2, "limit": 100, "platformsOff": []},
    },
    "watched": {"data": _WATCHED},
    "putWatched": {"data": _WATCHED},
    "deleteWatched": {"data": _WATCHED},
    "putWatchedNumbers": {
        "data": {**_BY_HAND, "date": "2026-01-15", "numbers": {"followers": 18250}, "enteredAt": _READ_AT},
    },
    "definitions": {"data": [_DEFINITION], "page": _WHOLE},
    "definition": {"data": _DEFINITION},
    "putDefinition": {"data": _DEFINITION},
    "retireDefinition": {"data": {**_DEFINITION, "retiredAt": "2026-01-16T08:12:40Z"}},
    "previewDefinition": {
        "data": {
            "unit": "percent", "normalForm": "percent(saves, views)", "weeks": [_OF_WEEK],
            "total": {**_OF_WEEK, "start": "2025-11-24T00:00:00Z"},
        },
        "meta": {"definitions": {}},
    },
    "operationState": _RUNNING,
    "collectWorkspace": _REQUESTED,
    "collectAccount": {"data": {**_REQUESTED["data"], "accountId": _ACCOUNT}},
    "aggregate": _ROLLED,
    "publishPost": {"data": {**_REQUESTED["data"], "accountId": _ACCOUNT, "postId": _POST}},
    "invalidateCache": {"invalidated": 12},
    "workspaceCalendar": {"data": _CALENDAR},
    "setWorkspaceCalendar": {
        "data": {
            **_CALENDAR, "country": "US", "upcoming": _NEW_YORK,
            "operation": {**_REQUESTED["data"], "kind": "calendar"},
        },
    },
    "createConnectLink": {
        "url": "https://tidemark.example.com/connect/threads?ticket=tmc_…", "expiresIn": 300,
        "scopes": ["threads_basic", "threads_manage_insights"],
        "redirectUrl": "https://tidemark.example.com/connect/threads/callback",
    },
    "createTicket": {"ticket": "tmt_…", "expiresIn": 60},
    "stream": {
        "event": "metrics:update", "id": "1768474804000-0",
        "data": {**_OF_ACCOUNT, "metrics": {"followers": 18250}, "timestamp": EXAMPLE_TIME, "collectedAt": _READ_AT},
    },
}  # fmt: skip
"""By `operationId`."""
