"""The collection `campaigns`: ranges of days of a workspace, with the accounts or posts that belong to them."""

from collections.abc import Iterable
from datetime import datetime
from typing import NotRequired, TypedDict, cast

from pymongo.database import Database

from metrics.documents import Document
from metrics.store.errors import mongo_errors

NAME = "campaigns"


class CampaignDocument(TypedDict):
    """A document of `campaigns`. The dates are days of the workspace's calendar as YYYY-MM-DD, both inclusive.

    Without `accountIds`, `postIds` and `tag`, the campaign has all accounts of the workspace. `tag` is folded, without
    the `#`.
    """

    _id: str
    workspaceId: str
    name: str
    title: str
    startDate: str
    endDate: str
    createdAt: datetime
    changedAt: datetime
    accountIds: NotRequired[list[str]]
    postIds: NotRequired[list[str]]
    tag: NotRequired[str]


def campaign_id(workspace_id: str, name: str) -> str:
    """Return the `_id` of a campaign."""
    return f"{workspace_id}|{name}"


class Campaigns:
    """Reads and writes of campaigns. Each method raises `MongoUnavailable` if MongoDB does not answer."""

    def __init__(self, db: Database[Document]) -> None:
        self._campaigns = db[NAME]

    def all(self, workspace_id: str, names: Iterable[str] | None = None) -> list[CampaignDocument]:
        """Return the campaigns of a workspace by name, or those of the given names that exist."""
        query: Document = {"workspaceId": workspace_id}
        if names is not None:
            query["_id"] = {"$in": [campaign_id(workspace_id, name) for name in names]}
        with mongo_errors():
            return cast("list[CampaignDocument]", list(self._campaigns.find(query).sort("name", 1)))

    def by_posts(self, workspace_id: str) -> dict[str, bool]:
        """Return whether each campaign of a workspace selects posts, by name."""
        return {one["name"]: "postIds" in one or "tag" in one for one in self.all(workspace_id)}

    def put(self, campaign: CampaignDocument) -> None:
        """Store a campaign in place of one of the same name."""
        with mongo_errors():
            self._campaigns.replace_one({"_id": campaign["_id"]}, cast("Document", dict(campaign)), upsert=True)

    def forget(self, account_ids: Iterable[str], post_ids: Iterable[str]) -> None:
        """Remove erased accounts and posts from the lists of all campaigns; an empty list selects nothing."""
        for name, ids in (("accountIds", list(account_ids)), ("postIds", list(post_ids))):
            with mongo_errors():
                self._campaigns.update_many({name: {"$in": ids}}, {"$pull": {name: {"$in": ids}}})

    def remove(self, workspace_id: str, name: str) -> bool:
        """Delete a campaign; tell whether there was one."""
        with mongo_errors():
            return self._campaigns.delete_one({"_id": campaign_id(workspace_id, name)}).deleted_count == 1
