"""The shape of the answer to what a key may do."""

from pydantic import Field

from metrics.documents import Scope
from serving.schemas.base import Count, Instant, Shape, absent


class OpenWorkspace(Shape):
    """A workspace that the key opens."""

    id: str
    name: str = Field(description="The name to show: at present, the id.")
    time_zone: str = Field(description="The zone of its days: `UTC`, or an IANA name.", examples=["Europe/Berlin"])


class Rate(Shape):
    """The rate of the key."""

    limit: int | None = Field(description="Requests per minute; null: there is no limit.")
    remaining: Count = absent("The requests that are left in this minute; absent while that cannot be told.")


class OwnKey(Shape):
    """The rights, the expiry and the rate of the key that the request was sent with."""

    name: str = Field(description="The name that the key was created with; `token` for a JSON web token.")
    key_prefix: str = absent("The first characters of the key, as `tidemark keys list` shows them.")
    scopes: list[Scope] = Field(description="`admin` includes all others.")
    expires_at: Instant | None = Field(description="Null: the key does not expire.")
    workspaces: list[OpenWorkspace] = Field(
        description="The workspaces that the key names, also those without an account yet; for a key of all "
        "workspaces, those with an account."
    )
    rate: Rate


class Me(Shape):
    """What the key may do."""

    data: OwnKey
