"""The stores of one deployment behind one object."""

from dataclasses import dataclass
from functools import cached_property
from typing import Self

from pymongo import MongoClient
from pymongo.database import Database

from metrics.documents import Document
from metrics.errors import SettingsError
from metrics.settings import Settings
from metrics.store.accounts import AccountStore
from metrics.store.api_keys import ApiKeys
from metrics.store.collections import CollectionRecords
from metrics.store.erasures import Erasures
from metrics.store.errors import mongo_errors
from metrics.store.export_marks import ExportMarks
from metrics.store.observations import ObservationLog
from metrics.store.operations import Operations
from metrics.store.posts import PostStore
from metrics.store.quarantine import QuarantinedMetrics
from metrics.store.reading_memory import ReadingMemories
from metrics.store.roll_marks import RollMarks
from metrics.store.rollups import Rollups
from metrics.store.setup import schema
from metrics.store.shard_reports import ShardReportStore
from metrics.store.store_sizes import SizeSamples
from metrics.store.workspace_settings import Retention

SERVER_SELECTION_MS = 3000
"""How long a call waits for a primary: an election takes about two seconds with `electionTimeoutMillis` 2000."""


@dataclass(frozen=True)
class Store:
    """Typed access to every collection; thread-safe, one per process.

    `prefix` leads the names of what is derived from the log: with one, rollups and marks stand apart from those served.
    """

    client: MongoClient[Document]
    db: Database[Document]
    prefix: str = ""

    @classmethod
    def connect(cls, settings: Settings, *, server_selection_ms: int = SERVER_SELECTION_MS) -> Self:
        """Return a store; nothing is asked of the server yet.

        Raises:
            SettingsError: TIDEMARK_MONGO_URL is not set.
        """
        if settings.mongo_url is None:
            raise SettingsError("TIDEMARK_MONGO_URL: set it, or run `tidemark up`, which starts a MongoDB of its own")
        client: MongoClient[Document] = MongoClient(
            settings.mongo_url,
            w="majority",
            retryWrites=True,
            tz_aware=True,
            appname="tidemark",
            serverSelectionTimeoutMS=server_selection_ms,
            connectTimeoutMS=3000,
            socketTimeoutMS=600_000,
        )
        return cls(client, client[settings.mongo_db])

    def ensure(self, settings: Settings) -> None:
        """Create what is missing of collections, indexes and validators; how long data is kept is not changed.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            schema.ensure(self.db, settings)

    def ping(self, timeout_ms: int = 2000) -> None:
        """Ask for a writable primary.

        Raises:
            MongoUnavailable: there is none within `timeout_ms`.
        """
        import pymongo

        with mongo_errors(), pymongo.timeout(timeout_ms / 1000):
            self.db.command("ping")

    def close(self) -> None:
        """Close every connection."""
        self.client.close()

    @cached_property
    def observations(self) -> ObservationLog:
        """The append-only log."""
        return ObservationLog(self.db)

    @cached_property
    def rollups(self) -> Rollups:
        """Rollups of subjects and of accounts."""
        return Rollups(self.db, self.prefix)

    @cached_property
    def accounts(self) -> AccountStore:
        """Connected accounts."""
        return AccountStore(self.db)

    @cached_property
    def posts(self) -> PostStore:
        """Posts that are followed or were."""
        return PostStore(self.db)

    @cached_property
    def collections(self) -> CollectionRecords:
        """What became of each account in each slot."""
        return CollectionRecords(self.db)

    @cached_property
    def operations(self) -> Operations:
        """Work asked for over HTTP."""
        return Operations(self.db)

    @cached_property
    def keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self.db)

    @cached_property
    def quarantine(self) -> QuarantinedMetrics:
        """Metrics that the platforms refuse."""
        return QuarantinedMetrics(self.db)

    @cached_property
    def memories(self) -> ReadingMemories:
        """What readings have to know of earlier ones."""
        return ReadingMemories(self.db)

    @cached_property
    def marks(self) -> RollMarks:
        """Which periods of which workspace have to be rolled again."""
        return RollMarks(self.db, self.prefix)

    @cached_property
    def shard_reports(self) -> ShardReportStore:
        """Reports of shards to the step that puts them together."""
        return ShardReportStore(self.db)

    @cached_property
    def exports(self) -> ExportMarks:
        """Which days of which workspace have to be exported again."""
        return ExportMarks(self.db, self.prefix)

    @cached_property
    def erasures(self) -> Erasures:
        """The records of erasures: those under way and those that ended."""
        return Erasures(self.db)

    @cached_property
    def retention(self) -> Retention:
        """How long the data of workspaces is kept that differ from the rest."""
        return Retention(self.db)

    @cached_property
    def sizes(self) -> SizeSamples:
        """How large the stores were, night by night."""
        return SizeSamples(self.db)
