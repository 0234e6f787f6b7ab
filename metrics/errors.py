"""Every error that Tidemark raises on purpose.

    TidemarkError
    ├── SettingsError        a setting is wrong or missing; the start stops
    ├── InvalidInput         what was asked for cannot be meant; nothing was changed
    ├── NotFound             no such workspace, account, post, key or operation
    ├── CredentialError      sealed credentials cannot be opened with the keys at hand
    └── Unavailable          a store is out of reach; the same call may succeed later
        ├── MongoUnavailable
        ├── RedisUnavailable
        │   └── RedisFull  it answers, and takes no writes
        └── ExportBusy     another process writes to the export (`metrics.export.lease`)

The platforms' errors have a tree of their own: `pipelines.platforms.errors`.
"""


class TidemarkError(Exception):
    """Base of all errors; the message is one line that says what to do."""


class SettingsError(TidemarkError):
    """A setting is wrong or missing; the message names its environment variable."""


class InvalidInput(TidemarkError):
    """A value from outside is refused at the boundary."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


class NotFound(TidemarkError):
    """What was named does not exist, or belongs to somebody else."""


class CredentialError(TidemarkError):
    """Credentials cannot be opened: sealed with a key that is not in TIDEMARK_SECRET_KEYS."""


class Unavailable(TidemarkError):
    """A store did not answer; nothing was lost, try again."""


class MongoUnavailable(Unavailable):
    """MongoDB did not answer in time."""


class RedisUnavailable(Unavailable):
    """Redis did not answer in time."""


class RedisFull(RedisUnavailable):
    """Redis has no room, or refuses writes for another reason; reads still work."""
