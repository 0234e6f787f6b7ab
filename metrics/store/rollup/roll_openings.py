"""The collection `roll_openings`: the openings that one roll-up stages, for its aggregation to join."""

from collections.abc import Iterable

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors
from metrics.store.setup.namespaces import Namespace


class RollOpenings:
    """Writes and deletes of staged openings. Those of a roll-up that was killed expire after a day."""

    def __init__(self, db: Database[Document], names: Namespace) -> None:
        self._openings = db[names.roll_openings]

    def add(self, openings: Iterable[Document]) -> None:
        """Add staged openings; the field `roll` of each is the id of the roll-up."""
        with mongo_errors():
            self._openings.insert_many(openings, ordered=False)

    def stages(self, roll_id: str) -> list[Document]:
        """Return the stages that add the openings of a roll-up to an aggregation as `{_id: subject, opening, born}`."""
        fields = {"_id": "$subjectId", "opening": 1, "born": 1}
        found: list[Document] = [{"$match": {"roll": roll_id}}, {"$project": fields}]
        return [{"$unionWith": {"coll": self._openings.name, "pipeline": found}}]

    def remove(self, roll_id: str) -> None:
        """Remove the openings of a roll-up."""
        with mongo_errors():
            self._openings.delete_many({"roll": roll_id})
