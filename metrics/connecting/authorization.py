"""The authorization-code flow with a platform (RFC 6749, 4.1; PKCE, RFC 7636): its URL, its tokens, whose they are.

oauthlib makes the PKCE pair and the form that redeems a code. The URL of the consent is made here, because oauthlib
refuses the plain HTTP of a simulator, and answers are read here, because platforms differ in them.

Codes, tokens and secrets travel in the body or a header where the platform accepts that; no error names them, also
where a platform quotes them.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from oauthlib.oauth2 import WebApplicationClient

from metrics.connecting.calls import Calls
from metrics.connecting.errors import NotConnected
from metrics.connecting.words import platform_words
from metrics.documents import Platform
from metrics.platforms.login import LongLived, OwnedAccount, Question
from metrics.platforms.registry import FACTS
from metrics.settings import PREFIX, Settings
from metrics.web import Answer

_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"
_LONGEST_LIFE_SECONDS = 10 * 366 * 86_400
_VERIFIER_LENGTH = 64


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
        self.title, self.login = facts.title, login
        self._client_id, self._secret = app[0], app[1].get_secret_value()
        self._calls = Calls(settings, self.title, {self._secret})
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
        return f"{self._calls.url(login.authorize)}?{urlencode(params)}"

    def redeem(self, code: str, verifier: str, now: datetime) -> Grant:
        """Exchange a code for tokens, and those for long-lived ones where the platform has such; return them.

        Raises:
            NotConnected: the platform does not accept the code or the app, a needed scope was not granted, or the
                platform does not answer.
        """
        login = self.login
        self._calls.secrets |= {code, verifier}
        answer = self._token_answer(self._post_code(code, verifier))
        token = self._calls.read(lambda: login.unwrap(answer))
        scopes = self._calls.read(lambda: login.told_scopes(token))
        self._calls.read(lambda: _token_of(token))
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
        return Grant(self._calls.read(lambda: self._credentials(token, now)), scopes, told)

    def owned_accounts(self, grant: Grant) -> list[OwnedAccount]:
        """Ask the platform which accounts the tokens can read.

        Raises:
            NotConnected: the platform does not answer, or refuses its own token.
        """
        question, better = self.login.owned, self.login.named_with
        if better is not None and grant.scopes is not None and better[0] in grant.scopes:
            question = better[1]
        return self._calls.all_pages(question, str(grant.credentials["access_token"]), grant.told)

    def names(self, grant: Grant, numbers: Sequence[str]) -> Mapping[str, str]:
        """Ask the platform for the names of accounts, by their numbers; those that it does not tell are left out."""
        if self.login.names is None:
            return {}
        try:
            return self._calls.ask(self.login.names(numbers), str(grant.credentials["access_token"]))
        except NotConnected:
            # Without names, a person still has the numbers to choose by.
            return {}

    def _client(self) -> Any:
        return WebApplicationClient(self._client_id)

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
            return self._calls.send(login.token, form=orjson.dumps(sent).decode(), headers={"Content-Type": _JSON})
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
        return self._calls.send(login.token, form=body, headers=headers)

    def _exchanged(self, exchange: LongLived, token: str) -> Mapping[str, Any]:
        """Return the answer with the long-lived token."""
        self._calls.secrets.add(token)
        query = {"grant_type": exchange.grant, "client_secret": self._secret, exchange.token_parameter: token}
        if exchange.with_client_id:
            query["client_id"] = self._client_id
        answer = self._token_answer(self._calls.send(exchange.at, query=query))
        self._calls.read(lambda: _token_of(answer))
        return answer

    def _granted(self, question: Question[frozenset[str]], token: str) -> frozenset[str] | None:
        """Return the granted scopes; None if the platform does not tell them: then the collection finds out."""
        try:
            return self._calls.ask(question, token)
        except NotConnected:
            return None

    def _token_answer(self, answer: Answer) -> Mapping[str, Any]:
        """Return the answer of a token endpoint.

        Raises:
            NotConnected: it is an error.
        """
        body = self._calls.json(answer)
        if answer.status < 400 and isinstance(body, dict) and not self.login.refused(body):
            return body
        if answer.status >= 500 or answer.status == 429:
            raise NotConnected(
                "platform", f"{self.title} is overloaded ({answer.status}). Start again in a few minutes."
            )
        words = platform_words(answer, body, self._calls.secrets)
        raise NotConnected(
            "code",
            f"{self.title} did not accept the code of this login: {words}. A code works once and for a short time: "
            f"start again. If that repeats, the operator checks the app's id and secret, and that the app at "
            f"{self.title} has the redirect address {self.redirect_url}.",
        )

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
