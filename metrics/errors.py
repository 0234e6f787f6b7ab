"""The errors that Tidemark raises on purpose.

    TidemarkError
    ├── SettingsError        a setting is wrong or missing; the process does not start
    ├── InvalidInput         a value from outside is not accepted; nothing was changed
    ├── NotFound             no such workspace, account, post, key or operation
    ├── QueueFull            a workspace has as many queued operations as it may
    ├── CredentialError      sealed credentials cannot be opened for their account
    └── Unavailable          a store cannot be reached; the same call may succeed later
        ├── MongoUnavailable
        ├── RedisUnavailable
        │   └── RedisFull    Redis answers, but accepts no writes
        └── ExportBusy       another process writes to the export (`metrics.export.lease`)

The errors of platforms have their own tree: `pipelines.platforms.errors`.
"""


class TidemarkError(Exception):
    """Base of all errors; the message is one line that tells the reader what to do."""


class SettingsError(TidemarkError):
    """A setting is wrong or missing; the message names its environment variable."""


class InvalidInput(TidemarkError):
    """A value from outside is not accepted; `parameter` is its name in the API, if it has one."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class NotFound(TidemarkError):
    """The named object does not exist, or the caller has no right to it."""


class QueueFull(TidemarkError):
    """A workspace has as many queued operations as it may; the same request succeeds when some of them ended."""


class CredentialError(TidemarkError):
    """Credentials cannot be opened: their key is not in TIDEMARK_SECRET_KEYS, or they are those of another account."""


class Unavailable(TidemarkError):
    """A store did not answer in time; the caller can try again."""


class MongoUnavailable(Unavailable):
    """MongoDB did not answer in time."""


class RedisUnavailable(Unavailable):
    """Redis did not answer in time."""


class RedisFull(RedisUnavailable):
    """Redis is out of memory, or rejects writes for another reason; reads still work."""
