"""The queries of requested work, of logins, and of streams with their tickets: a strict model per route."""

from pydantic import Field

from serving.endpoints.query.base import Query
from serving.endpoints.query.values import LIST_OF_EVENTS, Day, Flag, Id, PostsToRead, WorkspaceIds
from serving.stream.cursor import MAX_CURSOR, MAX_WORKSPACES


class CollectQuery(Query):
    """Selects the posts that a collection reads."""

    posts: PostsToRead = Field(
        "due", description="`due`: the posts that their age makes due in this hour, as every hourly collection. `all`: "
        "every post of the last 90 days that still exists."
    )  # fmt: skip


class AggregateQuery(Query):
    """Selects the period to roll up."""

    date: Day = Field(description="Any day of the period.")


class InvalidateQuery(Query):
    """Selects the cached answers to drop."""

    pattern: str = Field(
        "*", min_length=1, max_length=128, pattern=r"^[A-Za-z]*:?\*?$",
        description="A kind of answer, followed by `:*`; `*` alone drops all kinds.",
        examples=["aggregated:*"],
    )  # fmt: skip


class TicketQuery(Query):
    """Selects the kind of a ticket."""

    reconnects: Flag = Field(
        False,
        description="Whether the ticket opens a stream again when its client reconnects, as EventSource does by "
        "itself. It is then valid while a stream of it is open, and for ten minutes after.",
    )
    workspace_ids: WorkspaceIds = Field(
        (),
        alias="workspaceId",
        description=f"Bind the ticket to these workspaces: repeat the parameter for up to {MAX_WORKSPACES} of them. "
        "Without it, the ticket is for every workspace of the key.",
    )


class ConnectQuery(Query):
    """Selects the account that a person connects."""

    platform_account_id: str | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="The platform's id of the account. A login to any other account is refused. Without it, a person "
        "whose login can read several accounts chooses among them.",
        examples=["UC0123456789abcdefghijkl"],
    )
    second_grant: Flag = Field(
        False,
        description="Whether the login adds the second grant to the account, which has to be named and connected "
        "already (TikTok's API for Business).",
    )


class StreamQuery(Query):
    """Selects the events to follow."""

    workspace_ids: WorkspaceIds = Field(
        alias="workspaceId",
        description=f"The workspace to follow; repeat the parameter to follow up to {MAX_WORKSPACES} in one stream.",
    )
    account_id: Id | None = Field(None, description="Events of one account only.")
    post_id: Id | None = Field(None, description="Events of one post only.")
    events: str | None = Field(
        None, max_length=200, description="Names of events, separated by commas; all events if it is left out.",
        json_schema_extra={"pattern": LIST_OF_EVENTS}, examples=["metrics:update,metrics:post"],
    )  # fmt: skip
    ticket: str | None = Field(None, max_length=128)
    last_event_id: str | None = Field(
        None, max_length=MAX_CURSOR,
        description="Replay the events after the one with this id. With several workspaces it is "
        "`w1=1768474804000-0,w2=1768474790000-3`: the id of the last event of each; workspaces that it does not name "
        "are followed from now on.",
        examples=["1768474804000-0"],
    )  # fmt: skip
