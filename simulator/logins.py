"""Logins of the simulated platforms: the page of consent, and the codes that are exchanged for tokens.

Each platform describes its page by a `Dialog`, and its token endpoint calls `redeem`. A new login gives a new token of
the account, `<token>~login1`; using a code twice ends the token that it gave (RFC 6749, 4.1.2). Where a person may
manage several accounts, further ones can be chosen on the page: the login then gives a token of each.
"""

import base64
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from html import escape
from typing import Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from metrics.documents import Platform
from simulator.state import State
from simulator.world import SimAccount

CODE_PREFIX = "code."
_SHOWN_ACCOUNTS = 5


@dataclass(frozen=True)
class Dialog:
    """The page on which a person consents.

    `path` is where it is on the simulator's port, with a host before it where hosts share paths. `pkce` tells whether a
    challenge is required, accepted, or ignored. A code lives for `code_seconds`. `denied` are the parameters with which
    a refusal is reported. `mark` is part of the tokens of these logins. `code_end` ends each code, for a platform whose
    codes have characters that are percent-encoded in URLs. `several` says that one person may manage several accounts.
    """

    platform: Platform
    path: str
    scopes: frozenset[str]
    separator: str = " "
    pkce: Literal["required", "accepted", "ignored"] = "ignored"
    code_seconds: float = 600.0
    denied: Mapping[str, str] = field(default_factory=lambda: {"error": "access_denied"})
    mark: str = "login"
    id_parameter: str = "client_id"
    code_end: str = ""
    several: bool = False


class CodeRefused(Exception):
    """A code that is not accepted; the message is the reason."""


@dataclass
class _Code:
    platform: Platform
    account: SimAccount
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    mark: str
    ends: datetime
    offline: bool
    further: tuple[int, ...] = ()
    token: str | None = None


@dataclass(frozen=True)
class Login:
    """A login whose code was redeemed: the account, with the new token as its token, and the granted scopes."""

    account: SimAccount
    scopes: tuple[str, ...]
    offline: bool


@dataclass
class _Logins:
    codes: dict[str, _Code] = field(default_factory=dict)
    scopes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    further: dict[str, tuple[SimAccount, ...]] = field(default_factory=dict)


def _logins(state: State) -> _Logins:
    found: _Logins = state.memory.setdefault("logins", _Logins())
    return found


def granted(state: State, token: str) -> tuple[str, ...] | None:
    """Return the scopes of a token that a login gave; None for any other token, which may do everything."""
    return _logins(state).scopes.get(token)


def managed(state: State, account: SimAccount) -> list[SimAccount]:
    """Return the accounts that the person with the token of an account manages, each with a token of its own."""
    further = _logins(state).further.get(account.token, ())
    first = state.world.of_token(account.token) if further else None
    return [first or account, *further]


def redeem(state: State, platform: Platform, params: Mapping[str, str], client_id: str) -> Login:
    """Exchange the code of a form for a token.

    Raises:
        CodeRefused: the code is unknown, used, too old, or of another app, redirect address or verifier.
    """
    code = _logins(state).codes.get(params.get("code", ""))
    if code is None or code.platform != platform:
        raise CodeRefused("the code is unknown")
    if code.token is not None:
        state.dead_tokens.add(code.token)
        raise CodeRefused("the code has been used")
    if code.ends < state.clock.now():
        raise CodeRefused("the code has expired")
    if client_id != code.client_id:
        raise CodeRefused("the code was issued to another client")
    if params.get("redirect_uri") != code.redirect_uri:
        raise CodeRefused("the redirect_uri is another one than that of the authorization request")
    if code.challenge and _challenge(params.get("code_verifier", "")) != code.challenge:
        raise CodeRefused("the code_verifier does not match")
    end = f"~{code.mark}{len(_logins(state).scopes) + 1}"
    code.token = f"{code.account.token}{end}"
    further = [state.world.account(platform, index) for index in code.further]
    _logins(state).further[code.token] = tuple(replace(one, token=f"{one.token}{end}") for one in further)
    _logins(state).scopes[code.token] = code.scopes
    return Login(replace(code.account, token=code.token), code.scopes, code.offline)


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def routes(state: State, dialogs: tuple[Dialog, ...]) -> list[Route]:
    """Return the routes of the pages of consent."""
    return [Route(dialog.path, _page(state, dialog), methods=["GET", "POST"]) for dialog in dialogs]


def _page(state: State, dialog: Dialog) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        params = {**request.query_params}
        if problem := _problem(dialog, params):
            return HTMLResponse(f"<h1>Sorry, something went wrong</h1><p>{escape(problem)}</p>", 400)
        if request.method == "GET":
            return HTMLResponse(_form(state, dialog, params))
        sent = parse_qs((await request.body()).decode())
        decision, number = sent.get("decision", [""])[0], sent.get("account", ["0"])[0]
        back = {"state": params["state"]} if "state" in params else {}
        if decision != "allow" or not number.isdecimal():
            return _redirect(params["redirect_uri"], {**dialog.denied, **back})
        account = state.world.account(dialog.platform, int(number))
        further = tuple(int(one) for one in sent.get("further", []) if one.isdecimal() and one != number)
        code = _issue(state, dialog, account, params, sent.get("granted", []), further if dialog.several else ())
        return _redirect(params["redirect_uri"], {"code": code, **back})

    return answer


def _redirect(uri: str, params: Mapping[str, str]) -> Response:
    joint = "&" if urlsplit(uri).query else "?"
    return RedirectResponse(f"{uri}{joint}{urlencode(params)}", 302)


def _problem(dialog: Dialog, params: Mapping[str, str]) -> str | None:
    """Return what is wrong with an authorization request. The person is not sent back, as the address may be wrong."""
    uri = urlsplit(params.get("redirect_uri", ""))
    if not params.get(dialog.id_parameter):
        return f"Missing {dialog.id_parameter}"
    if uri.scheme not in ("http", "https") or not uri.netloc or uri.fragment:
        return "Invalid redirect_uri"
    if params.get("response_type") != "code":
        return "Invalid response_type"
    scopes = set(params.get("scope", "").split(dialog.separator))
    if unknown := scopes - dialog.scopes:
        return f"Invalid Scopes: {', '.join(sorted(unknown))}"
    if dialog.pkce == "required" and not (
        params.get("code_challenge") and params.get("code_challenge_method") in ("S256", "plain")
    ):
        return "Missing code_challenge"
    return None


def _form(state: State, dialog: Dialog, params: Mapping[str, str]) -> str:
    accounts = [state.world.account(dialog.platform, n) for n in range(_SHOWN_ACCOUNTS)]
    radios = "".join(
        f'<label><input type="radio" name="account" value="{n}"{" checked" if n == 0 else ""}> '
        f"{escape(one.handle)} ({escape(one.platform_account_id)})</label><br>"
        for n, one in enumerate(accounts)
    )
    further = "".join(
        f'<label><input type="checkbox" name="further" value="{n}"> {escape(one.handle)}</label><br>'
        for n, one in enumerate(accounts)
        if dialog.several
    )
    boxes = "".join(
        f'<label><input type="checkbox" name="granted" value="{escape(scope)}" checked> {escape(scope)}</label><br>'
        for scope in params["scope"].split(dialog.separator)
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
        f"<title>Simulated {dialog.platform}</title>"
        f"<h1>Simulated {dialog.platform}: let an app read your account?</h1>"
        f'<form method="post"><fieldset><legend>Account</legend>{radios}</fieldset>'
        + (f"<fieldset><legend>Further accounts</legend>{further}</fieldset>" if further else "")
        + f"<fieldset><legend>Permissions</legend>{boxes}</fieldset>"
        '<button name="decision" value="allow">Allow</button> <button name="decision" value="deny">Cancel</button>'
        "</form></html>"
    )


def _issue(
    state: State,
    dialog: Dialog,
    account: SimAccount,
    params: Mapping[str, str],
    scopes: list[str],
    further: tuple[int, ...],
) -> str:
    known = _logins(state).codes
    digest = hashlib.sha256(f"{account.token}:{len(known)}".encode()).hexdigest()[:40]
    code = f"{CODE_PREFIX}{dialog.platform}.{digest}{dialog.code_end}"
    requested = params["scope"].split(dialog.separator)
    known[code] = _Code(
        dialog.platform,
        account,
        params[dialog.id_parameter],
        params["redirect_uri"],
        tuple(scope for scope in requested if scope in scopes),
        _expected(dialog, params),
        dialog.mark,
        state.clock.now() + timedelta(seconds=dialog.code_seconds),
        params.get("access_type") == "offline",
        further,
    )
    return code


def _expected(dialog: Dialog, params: Mapping[str, str]) -> str:
    challenge = "" if dialog.pkce == "ignored" else params.get("code_challenge", "")
    return _challenge(challenge) if challenge and params.get("code_challenge_method") == "plain" else challenge
