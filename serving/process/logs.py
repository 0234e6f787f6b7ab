"""Logs as one JSON object per line, with the id of the request that was handled, and without secrets."""

import logging
import re
import sys
from contextvars import ContextVar

import orjson

from metrics.clock import isoformat, utcnow

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that the current task handles."""

_SECRET = re.compile(
    r"tm_live_[A-Za-z0-9]+"  # API keys
    r"|tm[tcs]_[A-Za-z0-9_-]+"  # tickets of streams, tickets and states of logins
    r"|eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+"  # JSON web tokens
    r"|(?<=Bearer )\S+"
    r"|(?<=://)[^/@\s]+(?=@)"  # users and passwords of URLs
)


def redact(text: str) -> str:
    """Return a text in which everything that looks like a secret is replaced.

    This is a last line of defence: no secret should be in a log message in the first place.
    """
    return _SECRET.sub("[secret]", text)


class JsonFormatter(logging.Formatter):
    """`{time, level, logger, message, requestId?, …fields, exception?}`; `extra={"fields": {…}}` adds fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, object] = {
            "time": isoformat(utcnow()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage()),
        }
        if current := request_id.get():
            line["requestId"] = current
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["exception"] = redact(self.formatException(record.exc_info))
        return orjson.dumps(line, default=str).decode()


def configure(level: int = logging.INFO) -> None:
    """Write the logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
