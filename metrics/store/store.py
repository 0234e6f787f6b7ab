"""`Store`: the collections of a deployment's MongoDB behind one object."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Self

from pymongo import MongoClient
from pymongo.database import Database

from metrics.documents import Document
from metrics.errors import SettingsError
from metrics.settings import Settings
from metrics.store.accounts import AccountStore
from metrics.store.api_keys import ApiKeys
from metrics.store.calendars import Calendars
from metrics.store.collections import CollectionRecords
from metrics.store.deletion import Deletion
from metrics.store.erasures import Erasures
from metrics.store.errors import mongo_errors
from metrics.store.insights.announcement_marks import AnnouncementMarks
from metrics.store.insights.anomalies import Anomalies
from metrics.store.insights.forecast_models import ForecastModels
from metrics.store.insights.forecasts import Forecasts
from metrics.store.insights.hourly_forecasts import HourlyForecasts
from metrics.store.insights.hourly_nets import HourlyNetsStore
from metrics.store.insights.outlooks import Outlooks
from metrics.store.insights.post_curves import PostCurves
from metrics.store.insights.statements import Statements
from metrics.store.insights.watched import WatchedAccounts
from metrics.store.observations import ObservationLog
from metrics.store.operation_queue import OperationQueue
from metrics.store.operations import Operations
from metrics.store.posts import PostStore
from metrics.store.quarantine import QuarantinedMetrics
from metrics.store.raw import RawCollections
from metrics.store.reading_memory import ReadingMemories
from metrics.store.rollup.export_marks import WAREHOUSE_MARKS, ExportMarks
from metrics.store.rollup.roll_marks import RollMarks
from metrics.store.rollup.roll_openings import RollOpenings
from metrics.store.rollup.rollups import Rollups
from metrics.store.running import RunningCommands
from metrics.store.setup import schema
from metrics.store.setup.migrations import Migrations
from metrics.store.setup.namespaces import OWN, PUBLIC, Namespace
from metrics.store.shard_reports import ShardReportStore
from metrics.store.store_sizes import SizeSamples
from metrics.store.workspace.alerts import Alerts
from metrics.store.workspace.anomaly_alerts import AnomalyAlerts
from metrics.store.workspace.campaigns import Campaigns
from metrics.store.workspace.metric_definitions import MetricDefinitions
from metrics.store.workspace.warehouses import Warehouses
from metrics.store.workspace.watch_lists import WatchLists
from metrics.store.workspace_settings import Consents, Retention

SERVER_SELECTION_MS = 3000
"""How long a call waits for a primary; an election takes about two seconds with `electionTimeoutMillis` 2000."""


@dataclass(frozen=True)
class Store:
    """Typed access to every collection; thread-safe, one per process.

    `prefix` is put before the names of derived collections: with it, rollups and marks are separate from those served.
    `names` are the collections of the accounts: those of connected accounts, or of watched ones (`public`).
    """

    client: MongoClient[Document]
    db: Database[Document]
    prefix: str = ""
    names: Namespace = OWN

    @classmethod
    def connect(cls, settings: Settings, *, server_selection_ms: int = SERVER_SELECTION_MS) -> Self:
        """Return a store, which connects with its first command.

        Raises:
            SettingsError: TIDEMARK_MONGO_URL is not set.
        """
        if settings.mongo_url is None:
            raise SettingsError("TIDEMARK_MONGO_URL: set it, or run `tidemark up`, which starts its own MongoDB")
        client: MongoClient[Document] = MongoClient(
            settings.mongo_url,
            w="majority",
            retryWrites=True,
            tz_aware=True,
            appname="tidemark",
            serverSelectionTimeoutMS=server_selection_ms,
            connectTimeoutMS=3000,
            socketTimeoutMS=600_000,
            event_listeners=[RunningCommands()],
        )
        return cls(client, client[settings.mongo_db])

    def ensure(self, settings: Settings) -> None:
        """Create missing collections, indexes and validators; existing expiries are not changed.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            schema.ensure(self.db, settings)

    def ping(self, timeout_ms: int = 2000) -> None:
        """Check that there is a writable primary.

        Raises:
            MongoUnavailable: there is none within `timeout_ms`.
        """
        import pymongo

        with mongo_errors(), pymongo.timeout(timeout_ms / 1000):
            self.db.command("ping")

    def server_version(self) -> tuple[int, ...]:
        """Return the version of MongoDB: `(7, 0, 14, 0)`.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            return tuple(self.client.server_info()["versionArray"])

    def server_now(self) -> datetime:
        """Return the instant on the clock of MongoDB, which all processes share.

        Raises:
            MongoUnavailable: MongoDB does not answer.
        """
        with mongo_errors():
            # The driver decodes answers of commands without a time zone.
            told: datetime = self.db.command("hello")["localTime"]
        return told.replace(tzinfo=UTC)

    def close(self) -> None:
        """Close every connection."""
        self.client.close()

    @cached_property
    def public(self) -> "Store":
        """The same store with the collections of watched accounts in place of those of connected ones."""
        return replace(self, names=PUBLIC)

    @cached_property
    def observations(self) -> ObservationLog:
        """The append-only log of observations."""
        return ObservationLog(self.db, self.names)

    @cached_property
    def rollups(self) -> Rollups:
        """Rollups of subjects and of accounts."""
        return Rollups(self.db, self.names, self.prefix)

    @cached_property
    def accounts(self) -> AccountStore:
        """Connected accounts."""
        return AccountStore(self.db, self.names)

    @cached_property
    def posts(self) -> PostStore:
        """Posts."""
        return PostStore(self.db, self.names)

    @cached_property
    def collections(self) -> CollectionRecords:
        """Records of what became of each account in each slot."""
        return CollectionRecords(self.db, self.names)

    @cached_property
    def operations(self) -> Operations:
        """Requested work."""
        return Operations(self.db)

    @cached_property
    def operation_queue(self) -> OperationQueue:
        """The order in which requested work is handed out."""
        return OperationQueue(self.db)

    @cached_property
    def keys(self) -> ApiKeys:
        """API keys."""
        return ApiKeys(self.db)

    @cached_property
    def quarantine(self) -> QuarantinedMetrics:
        """Metrics that platforms refuse for everybody."""
        return QuarantinedMetrics(self.db)

    @cached_property
    def memories(self) -> ReadingMemories:
        """Data of accounts that is kept from one reading to the next."""
        return ReadingMemories(self.db)

    @cached_property
    def marks(self) -> RollMarks:
        """Periods of workspaces that have to be rolled up again."""
        return RollMarks(self.db, self.names, self.prefix)

    @cached_property
    def openings(self) -> RollOpenings:
        """Staged openings of running roll-ups."""
        return RollOpenings(self.db, self.names)

    @cached_property
    def shard_reports(self) -> ShardReportStore:
        """Reports of shards to the step that joins them."""
        return ShardReportStore(self.db)

    @cached_property
    def exports(self) -> ExportMarks:
        """Days of workspaces that have to be exported again."""
        return ExportMarks(self.db[f"{self.prefix}{self.names.export_marks}"])

    @cached_property
    def warehouses(self) -> Warehouses:
        """The databases of analysts into which days are loaded."""
        return Warehouses(self.db)

    def warehouse_marks(self, warehouse: str) -> ExportMarks:
        """Days of workspaces that have to be loaded into a warehouse again."""
        return ExportMarks(self.db[WAREHOUSE_MARKS], warehouse)

    @cached_property
    def erasures(self) -> Erasures:
        """Unfinished and finished erasures."""
        return Erasures(self.db)

    @cached_property
    def consents(self) -> Consents:
        """The consents of workspaces that the terms of platforms demand."""
        return Consents(self.db)

    @cached_property
    def calendars(self) -> Calendars:
        """The calendars of workspaces."""
        return Calendars(self.db)

    @cached_property
    def definitions(self) -> MetricDefinitions:
        """The metrics of workspaces' own."""
        return MetricDefinitions(self.db)

    @cached_property
    def campaigns(self) -> Campaigns:
        """The campaigns of workspaces."""
        return Campaigns(self.db)

    @cached_property
    def watch_lists(self) -> WatchLists:
        """Accounts of others that workspaces watch; `public` has their numbers."""
        return WatchLists(self.db)

    @cached_property
    def alerts(self) -> Alerts:
        """Thresholds of workspaces, and the periods in which they were crossed."""
        return Alerts(self.db)

    @cached_property
    def anomaly_alerts(self) -> AnomalyAlerts:
        """Which anomalies workspaces are told of, and the messages about them."""
        return AnomalyAlerts(self.db)

    @cached_property
    def forecasts(self) -> Forecasts:
        """Forecasts of daily numbers."""
        return Forecasts(self.db)

    @cached_property
    def forecast_models(self) -> ForecastModels:
        """What was learned from the series of all accounts that allow it."""
        return ForecastModels(self.db)

    @cached_property
    def hourly_forecasts(self) -> HourlyForecasts:
        """Forecasts of the next hours."""
        return HourlyForecasts(self.db)

    @cached_property
    def anomalies(self) -> Anomalies:
        """Anomalies of hourly and daily numbers."""
        return Anomalies(self.db)

    @cached_property
    def announcements(self) -> AnnouncementMarks:
        """Statements that may not have been announced yet."""
        return AnnouncementMarks(self.db)

    @cached_property
    def hourly_nets(self) -> HourlyNetsStore:
        """What accounts gained in each hour."""
        return HourlyNetsStore(self.db)

    @cached_property
    def watched(self) -> WatchedAccounts:
        """The series in which anomalies are looked for."""
        return WatchedAccounts(self.db)

    @cached_property
    def post_curves(self) -> PostCurves:
        """The engagement of posts at fixed ages."""
        return PostCurves(self.db)

    @cached_property
    def content_decay(self) -> Statements:
        """How fast the posts of accounts age."""
        return Statements(self.db, "content_decay")

    @cached_property
    def best_times(self) -> Statements:
        """At which hours the posts of accounts do best."""
        return Statements(self.db, "best_times")

    @cached_property
    def outlooks(self) -> Outlooks:
        """What becomes of young posts."""
        return Outlooks(self.db)

    @cached_property
    def retention(self) -> Retention:
        """The retention of workspaces that have their own."""
        return Retention(self.db)

    @cached_property
    def migrations(self) -> Migrations:
        """Conversions of documents of earlier versions."""
        return Migrations(self.db)

    @cached_property
    def deletion(self) -> Deletion:
        """Counts and deletes in any collection, by a query."""
        return Deletion(self.db)

    @cached_property
    def raw(self) -> RawCollections:
        """Whole collections as raw BSON."""
        return RawCollections(self.db)

    @cached_property
    def sizes(self) -> SizeSamples:
        """Nightly samples of the sizes of the stores."""
        return SizeSamples(self.db)
