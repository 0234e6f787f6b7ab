"""The authorization-code flow with a platform (RFC 6749, 4.1; PKCE, RFC 7636): its URL, its tokens, whose they are.

oauthlib makes the PKCE pair and the form that redeems a code. The URL of the consent is made here, because oauthlib
refuses the plain HTTP of a simulator, and answers are read here, because platforms differ in them.

Codes, tokens and secrets travel in the body or the Authorization header where the platform accepts that; no error names
them, also where a platform quotes them.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlencode

import orjson
from oauthlib.oauth2 import WebApplicationClient

from metrics.connecting.errors import NotConnected
from metrics.connecting.words import platform_words
from metrics.documents import Platform
from metrics.network import Network
from metrics.platforms.login import Address, LongLived, OwnedAccount, Question
from metrics.platforms.registry import FACTS
from metrics.settings import PREFIX, Settings
from metrics.web import Answer, WebError, send

T = TypeVar("T")

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
_LONGEST_LIFE_SECONDS = 10 * 366 * 86_400
_VERIFIER_LENGTH = 64
_MOST_PAGES = 20
"""Pages of accounts that are read, of a hundred each."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A platform's tokens as they are stored, and the granted scopes; None if the platform does not tell them."""

    credentials: Mapping[str, Any] = field(repr=False)
    scopes: frozenset[str] | None
    told: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The texts of the token's answer, by their names."""


class Authorization:
    """The flow of one platform for one person, with the app of the settings."""

    def __init__(self, settings: Settings, platform: Platform, *, second_grant: bool = False) -> None:
        """Check that the settings have all that the flow needs; with `second_grant`, that of the second grant.

        Raises:
            NotConnected: Tidemark has no login for the platform, or a setting is missing, which the message names.
        """
        facts = FACTS[platform]
        login = facts.second_login if second_grant else facts.login
        if login is None:
            what = f"{facts.title} has no second grant." if second_grant else facts.no_login
            raise NotConnected("setup", f"There is no such login for {facts.title}. {what}")
        name = next(name for name, one in facts.logins.items() if one is login)
        app = settings.login_app(name)
        missing = [
            f"{PREFIX}{name.upper()}"
            for name, value in (
                ("connect_url", settings.connect_url),
                (f"{name}_client_id", app or getattr(settings, f"{name}_client_id")),
                (f"{name}_client_secret", app or getattr(settings, f"{name}_client_secret")),
                ("secret_keys", settings.secret_keys),
            )
            if not value
        ]
        if missing or app is None:
            names = ", ".join(missing or [f"{PREFIX}{name.upper()}_CLIENT_SECRET"])
            raise NotConnected(
                "setup",
                f"{facts.title} accounts cannot be connected in a browser: the operator has to set {names} "
                "(docs/connecting.md).",
            )
        self._settings, self._network = settings, Network.of(settings)
        self.title, self.login = facts.title, login
        self._client_id, self._secret = app[0], app[1].get_secret_value()
        self._sent = {self._secret}
        self.redirect_url = f"{public_url(settings)}/connect/{platform}/callback"

    @property
    def scopes(self) -> tuple[str, ...]:
        """All scopes that are requested."""
        return self.login.scopes + self.login.optional_scopes

    def new_verifier(self) -> str:
        """Return a new PKCE verifier, also for a platform that takes none: then it stays unused."""
        found: str = self._client().create_code_verifier(_VERIFIER_LENGTH)
        return found

    def consent_url(self, state: str, verifier: str) -> str:
        """Return the URL of the platform's page on which the person consents."""
        login = self.login
        params = {
            "response_type": "code",
            login.id_parameter: self._client_id,
            "redirect_uri": self.redirect_url,
            "scope": login.separator.join(self.scopes),
            "state": state,
            **login.extra,
        }
        if login.pkce:
            challenge = self._client().create_code_challenge(verifier, "S256")
            params |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self._url(login.authorize)}?{urlencode(params)}"

    def redeem(self, code: str, verifier: str, now: datetime) -> Grant:
        """Exchange a code for tokens, and those for long-lived ones where the platform has such; return them.

        Raises:
            NotConnected: the platform does not accept the code or the app, a needed scope was not granted, or the
                platform does not answer.
        """
        login = self.login
        self._sent |= {code, verifier}
        answer = self._token_answer(self._post_code(code, verifier))
        token = self._read(lambda: login.unwrap(answer))
        scopes = self._read(lambda: login.told_scopes(token))
        self._read(lambda: _token_of(token))
        if login.long_lived is not None:
            token = {**token, **self._exchanged(login.long_lived, _token_of(token))}
        if scopes is None and login.granted is not None:
            scopes = self._granted(login.granted, _token_of(token))
        if scopes is not None and (missing := login.missing_scopes(scopes)):
            raise NotConnected(
                "scope",
                f"{self.title} did not grant {', '.join(missing)}. Start again, and leave every permission that "
                "Tidemark asks for switched on.",
            )
        told = {name: value for name, value in token.items() if isinstance(value, str)}
        return Grant(self._read(lambda: self._credentials(token, now)), scopes, told)

    def owned_accounts(self, grant: Grant) -> list[OwnedAccount]:
        """Ask the platform which accounts the tokens can read.

        Raises:
            NotConnected: the platform does not answer, or refuses its own token.
        """
        question, better = self.login.owned, self.login.named_with
        if better is not None and grant.scopes is not None and better[0] in grant.scopes:
            question = better[1]
        filled = {name: self._filled(value, grant.told) for name, value in question.params.items()}
        return self._all_pages(replace(question, params=filled), str(grant.credentials["access_token"]))

    def names(self, grant: Grant, numbers: Sequence[str]) -> Mapping[str, str]:
        """Ask the platform for the names of accounts, by their numbers; those that it does not tell are left out."""
        if self.login.names is None:
            return {}
        try:
            return self._ask(self.login.names(numbers), str(grant.credentials["access_token"]))
        except NotConnected:
            # Without names, a person still has the numbers to choose by.
            return {}

    @staticmethod
    def _filled(value: str, told: Mapping[str, str]) -> str:
        for name, text in told.items():
            value = value.replace(f"{{{name}}}", text)
        return value

    def _client(self) -> Any:
        return WebApplicationClient(self._client_id)

    def _url(self, at: Address) -> str:
        return self._settings.platform_url(at.api) + at.path

    def _post_code(self, code: str, verifier: str) -> Answer:
        login = self.login
        if login.json_code:
            sent = {
                "client_id": self._client_id,
                "client_secret": self._secret,
                login.json_code: code,
                "grant_type": "authorization_code",
                "redirect_uri": self.redirect_url,
            }
            return self._send(login.token, form=orjson.dumps(sent).decode(), headers={"Content-Type": _JSON})
        more = {**login.token_extra} if login.basic_auth else {**login.token_extra, "client_secret": self._secret}
        if login.pkce:
            more["code_verifier"] = verifier
        if login.id_parameter != "client_id":
            more[login.id_parameter] = self._client_id
        body = self._client().prepare_request_body(
            code=code,
            redirect_uri=self.redirect_url,
            # With Basic authentication, the header names the app (RFC 6749, 4.1.3).
            include_client_id=login.id_parameter == "client_id" and not login.basic_auth,
            **more,
        )
        headers = {"Content-Type": _FORM}
        if login.basic_auth:
            pair = base64.b64encode(f"{self._client_id}:{self._secret}".encode()).decode()
            headers["Authorization"] = f"Basic {pair}"
        return self._send(login.token, form=body, headers=headers)

    def _exchanged(self, exchange: LongLived, token: str) -> Mapping[str, Any]:
        """Return the answer with the long-lived token."""
        self._sent.add(token)
        query = {"grant_type": exchange.grant, "client_secret": self._secret, exchange.token_parameter: token}
        if exchange.with_client_id:
            query["client_id"] = self._client_id
        answer = self._token_answer(self._send(exchange.at, query=query))
        self._read(lambda: _token_of(answer))
        return answer

    def _granted(self, question: Question[frozenset[str]], token: str) -> frozenset[str] | None:
        """Return the granted scopes; None if the platform does not tell them: then the collection finds out."""
        try:
            return self._ask(question, token)
        except NotConnected:
            return None

    def _all_pages(self, question: Question[list[T]], token: str) -> list[T]:
        """Return the items of all pages of an answer, at most of `_MOST_PAGES`."""
        found: list[T] = []
        for _ in range(_MOST_PAGES):
            body = self._body(question, token)
            found += self._read(partial(question.read, body))
            following = self._read(partial(question.following, body))
            if not following:
                break
            question = replace(question, params={**question.params, **following})
        return found

    def _ask(self, question: Question[T], token: str) -> T:
        body = self._body(question, token)
        return self._read(lambda: question.read(body))

    def _body(self, question: Question[T], token: str) -> Any:
        """Return the body of the answer to a question.

        Raises:
            NotConnected: the platform does not answer, or refuses its own token.
        """
        self._sent.add(token)
        query = {name: value.replace("{token}", token) for name, value in question.params.items()}
        sent = {question.carried_by: token} if question.carried_by else {"Authorization": f"Bearer {token}"}
        headers = {**question.headers, **sent}
        answer = self._send(question.at, query=query, headers=headers)
        body = self._json(answer)
        if answer.status >= 400:
            raise NotConnected(
                "platform", f"{self.title} refused its own new token: {platform_words(answer, body, self._sent)}."
            )
        return body

    def _send(self, at: Address, **sent: Any) -> Answer:
        try:
            return send(self._network, self._url(at), **sent)
        except WebError as error:
            raise NotConnected("platform", f"{error}. Try again in a few minutes.") from None

    def _token_answer(self, answer: Answer) -> Mapping[str, Any]:
        """Return the answer of a token endpoint.

        Raises:
            NotConnected: it is an error.
        """
        body = self._json(answer)
        if answer.status < 400 and isinstance(body, dict) and not self.login.refused(body):
            return body
        if answer.status >= 500 or answer.status == 429:
            raise NotConnected(
                "platform", f"{self.title} is overloaded ({answer.status}). Start again in a few minutes."
            )
        words = platform_words(answer, body, self._sent)
        raise NotConnected(
            "code",
            f"{self.title} did not accept the code of this login: {words}. A code works once and for a short time: "
            f"start again. If that repeats, the operator checks the app's id and secret, and that the app at "
            f"{self.title} has the redirect address {self.redirect_url}.",
        )

    def _json(self, answer: Answer) -> Any:
        try:
            return orjson.loads(answer.body)
        except ValueError:
            if answer.status >= 400:
                return None
            raise NotConnected(
                "platform", f"{self.title} did not answer with JSON ({answer.status}). Try again in a few minutes."
            ) from None

    def _read(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except _UNREADABLE:
            raise NotConnected(
                "platform", f"The answer of {self.title} was not understood. Try again; if that repeats, report it."
            ) from None

    def _credentials(self, token: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        found: dict[str, Any] = {"access_token": _token_of(token), **self.login.credentials}
        if isinstance(refresh := token.get("refresh_token"), str) and refresh:
            found["refresh_token"] = refresh
        if (life := token.get("expires_in")) is not None:
            seconds = float(life)
            if not 0 < seconds < _LONGEST_LIFE_SECONDS:
                raise ValueError("an implausible lifetime")
            found["expires_at"] = now.timestamp() + seconds
        if self.login.keeps_scope and isinstance(scope := token.get("scope"), str):
            found["scope"] = scope
        if self.login.keeps_app:
            found |= {"client_id": self._client_id, "client_secret": self._secret}
        return found


def public_url(settings: Settings) -> str:
    """Return the public base URL of serving, without a trailing slash."""
    return str(settings.connect_url).rstrip("/")


def _token_of(answer: Mapping[str, Any]) -> str:
    token = answer["access_token"]
    if not isinstance(token, str) or not token or not token.isascii() or any(char.isspace() for char in token):
        raise ValueError("no access token")
    return token
