"""The collection `metric_definitions`: metrics of workspaces' own, a document for each version; versions never change.

The newest version of a name counts. One with `retiredAt` is no longer in use. `uses` has the other definitions that the
expression names, directly or not, with the versions that it was accepted with.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired, TypedDict, cast

from pymongo import ReadPreference
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "metric_definitions"


class DefinitionDocument(TypedDict):
    """A document of `metric_definitions`. `because` is the definition whose change made this version."""

    _id: str
    workspaceId: str
    name: str
    version: int
    title: str
    expression: str
    unit: str
    normalForm: str
    uses: dict[str, int]
    createdAt: datetime
    description: NotRequired[str]
    because: NotRequired[str]
    retiredAt: NotRequired[datetime]


@dataclass(frozen=True, slots=True)
class Change:
    """New versions to write, and the names whose newest version is to be retired at an instant."""

    versions: Sequence[DefinitionDocument] = ()
    retired: Sequence[str] = ()
    at: datetime | None = None


Newest = Mapping[str, DefinitionDocument]
"""The newest version of each definition of a workspace, retired ones included, by name."""


def version_id(workspace_id: str, name: str, version: int) -> str:
    """Return the `_id` of a version."""
    return f"{workspace_id}|{name}|{version}"


class MetricDefinitions:
    """Reads and writes of definitions. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._db = db
        self._versions = db[NAME]

    def versions(self, workspace_id: str, name: str | None = None) -> list[DefinitionDocument]:
        """Return all versions of a workspace's definitions, or of one of them, by name, oldest first."""
        query = {"workspaceId": workspace_id} | ({"name": name} if name is not None else {})
        with mongo_errors():
            found = self._versions.find(query).sort([("name", 1), ("version", 1)])
            return cast("list[DefinitionDocument]", list(found))

    def newest(self, workspace_id: str) -> Newest:
        """Return the newest version of each definition of a workspace, by name."""
        with mongo_errors():
            return self._newest(workspace_id, None)

    def _newest(self, workspace_id: str, session: ClientSession | None) -> Newest:
        # In the order of the index, so that MongoDB skips the older versions.
        order = {"workspaceId": -1, "name": -1, "version": -1}
        stages: list[Document] = [
            {"$match": {"workspaceId": workspace_id}},
            {"$sort": order},
            {"$group": {"_id": "$name", "newest": {"$first": "$$ROOT"}}},
            {"$sort": {"_id": 1}},
        ]
        return {row["_id"]: row["newest"] for row in self._versions.aggregate(stages, session=session)}

    def exactly(self, workspace_id: str, versions: Iterable[tuple[str, int]]) -> list[DefinitionDocument]:
        """Return the given versions of definitions, those that exist."""
        ids = [version_id(workspace_id, *one) for one in versions]
        with mongo_errors():
            return cast("list[DefinitionDocument]", list(self._versions.find({"_id": {"$in": ids}})))

    def change(self, workspace_id: str, decide: Callable[[Newest], Change]) -> Change:
        """Write what `decide` returns for the present definitions, in one transaction; return it.

        Concurrent changes of a workspace take turns, so that two of them cannot name each other. `decide` is called
        again if another change came first; what it raises ends the change, and nothing is written.
        """

        def attempt(session: ClientSession) -> Change:
            # Every change writes this document, so a second one conflicts with the first and is repeated after it.
            self._db["workspace_settings"].update_one(
                {"_id": workspace_id}, {"$inc": {"definitionsRevision": 1}}, upsert=True, session=session
            )
            newest = self._newest(workspace_id, session)
            change = decide(newest)
            if change.versions:
                self._versions.insert_many([cast("Document", dict(one)) for one in change.versions], session=session)
            for name in change.retired:
                self._versions.update_one(
                    {"_id": newest[name]["_id"]}, {"$set": {"retiredAt": change.at}}, session=session
                )
            return change

        with mongo_errors(), self._db.client.start_session() as session:
            return session.with_transaction(
                attempt,
                read_concern=ReadConcern("snapshot"),
                write_concern=WriteConcern("majority"),
                read_preference=ReadPreference.PRIMARY,
            )
