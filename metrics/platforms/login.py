"""The form in which a platform's login is described: its authorization-code flow, and which accounts its tokens read.

RFC 6749, 4.1, is the flow that all platforms have; the fields of `Login` are the points in which they differ.
"""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_BETWEEN_SCOPES = re.compile(r"[\s,]+")


@dataclass(frozen=True, slots=True)
class Address:
    """A path below one of the platform's hosts; `api` is the name of the host in `PlatformFacts.apis`."""

    api: str
    path: str


@dataclass(frozen=True, slots=True)
class OwnedAccount:
    """An account that a new token can read.

    `handle` is None if the answer does not tell it. `token` is the account's own token, which is stored in place of the
    person's (Facebook's Pages have one each); its repr is not shown.
    """

    platform_account_id: str
    handle: str | None
    token: str | None = field(default=None, repr=False)


def _no_further_page(_body: Any) -> None:
    """Answer for a list that comes whole."""


def _never(_body: Any) -> bool:
    """Answer for a platform whose errors have a status of their own."""
    return False


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """A GET request with a token in the Authorization header, and the function that reads its JSON answer.

    `params` may hold `{token}`, which stands for the token, for the few addresses that take it only there, and the
    names of other texts that came with the token, such as `{open_id}`. With `form`, which may hold the same, it is a
    POST request that carries the token in the form alone. With `carried_by`, the token is sent as it is in that header,
    in place of `Authorization`. `read` raises LookupError, TypeError or ValueError for an answer that it
    does not understand. `following` returns the parameters that request the next page of the list in an answer, and
    None at its end. `refused` tells whether an answer with a good status is an error.
    """

    at: Address
    read: Callable[[Any], T]
    params: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    following: Callable[[Any], Mapping[str, str] | None] = _no_further_page
    carried_by: str = ""
    refused: Callable[[Any], bool] = _never
    form: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LongLived:
    """The exchange of a short-lived token for a long-lived one: a GET request with the app's secret.

    `grant` is the value of `grant_type`, and `token_parameter` the parameter that carries the short-lived token.
    `with_client_id` says that the app's id is sent too.
    """

    at: Address
    grant: str
    token_parameter: str
    with_client_id: bool = False


def scopes_of_answer(body: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the scopes that a token's answer names in `scope` (RFC 6749, 5.1); None if it names none.

    They are separated by spaces; LinkedIn separates them by commas.
    """
    return split_scopes(body["scope"]) if "scope" in body else None


def split_scopes(text: object) -> frozenset[str]:
    """Return the scopes of a text, separated by spaces or commas, or of a list.

    Raises:
        TypeError: the value is neither.
    """
    if isinstance(text, list):
        return frozenset(map(str, text))
    if not isinstance(text, str):
        raise TypeError("scopes are neither text nor a list")
    return frozenset(_BETWEEN_SCOPES.split(text)) - {""}


def names_error(body: Mapping[str, Any]) -> bool:
    """Tell whether a token's answer is an error (RFC 6749, 5.2): some platforms send one with the status 200."""
    return bool(body.get("error"))


def _whole(body: Mapping[str, Any]) -> Mapping[str, Any]:
    return body


@dataclass(frozen=True, slots=True)
class Login:
    """The authorization-code flow of a platform.

    The person consents at `authorize`, and the code is exchanged at `token`. `scopes` are requested and needed,
    `optional_scopes` are requested only; `separator` stands between them in the URL. `pkce` says that the platform
    documents PKCE (RFC 7636, S256) for apps that have a secret; the others rely on the secret, the state and the
    cookie of the browser. `id_parameter` is the name of the parameter with the app's id. With `basic_auth`, id and
    secret go into the Authorization header when the code is exchanged, else the secret goes into the form. `extra` are
    further parameters of the URL, and `token_extra` those of the form that exchanges the code. With `json_code`, the
    code is exchanged by a JSON object with `client_id` and `client_secret`, in which the code has this name. `refused`
    tells whether the answer to that is an error.

    `unwrap` returns the part of the token's answer that holds the token, `told_scopes` the granted scopes of that part,
    or None if it tells none: then `granted` asks for them. `long_lived` exchanges the token for one that lives longer.
    `owned` asks which accounts the token can read; `named_with` is a scope and the question that is asked instead if it
    was granted, because its answer has better names. If the answer has no names, `names` returns, for the numbers of
    some accounts, the question whose answer has the names by number. `credentials` is stored with the token;
    `keeps_app` says that the app's id and secret are stored too, because renewals need them; `keeps_scope` says that
    the text of the granted scopes is stored too, because the reading depends on them. `refresh_works_once` says that
    each renewal gives a new refresh token and may end the old one, so that a refresh token cannot be tried out. `steps`
    tells, in one sentence, what a person changes at the platform if no account was found. `secret_optional` says that
    there are apps without a secret, whose refresh tokens are renewed by the app's id alone.
    """

    authorize: Address
    token: Address
    scopes: tuple[str, ...]
    owned: Question[list[OwnedAccount]]
    steps: str
    named_with: tuple[str, Question[list[OwnedAccount]]] | None = None
    names: Callable[[Sequence[str]], Question[Mapping[str, str]]] | None = None
    optional_scopes: tuple[str, ...] = ()
    separator: str = " "
    pkce: bool = False
    id_parameter: str = "client_id"
    basic_auth: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)
    token_extra: Mapping[str, str] = field(default_factory=dict)
    json_code: str = ""
    refused: Callable[[Mapping[str, Any]], bool] = names_error
    unwrap: Callable[[Mapping[str, Any]], Mapping[str, Any]] = _whole
    told_scopes: Callable[[Mapping[str, Any]], frozenset[str] | None] = scopes_of_answer
    granted: Question[frozenset[str]] | None = None
    long_lived: LongLived | None = None
    credentials: Mapping[str, str] = field(default_factory=dict)
    keeps_app: bool = True
    keeps_scope: bool = False
    refresh_works_once: bool = False
    secret_optional: bool = False

    def missing_scopes(self, granted: Collection[str]) -> list[str]:
        """Return the needed scopes that were not granted, in their order."""
        return [scope for scope in self.scopes if scope not in granted]
