"""Credentials that a user gave: the platforms are asked whose they are, before anything is stored."""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from metrics.connecting.errors import NotConnected
from metrics.connecting.new_account import NewAccount
from metrics.connecting.permissions import lacking
from metrics.platforms.permissions import Permission
from metrics.platforms.registry import FACTS
from metrics.settings import Settings
from metrics.visible import visible
from tidemark.rows import MAX_PROBLEMS

_MOST_NAMED = 20
"""If more accounts are connected at once, their owners are not listed."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Check:
    """What the platforms said: the accounts to store, with renewed credentials in place of ended ones.

    `renewed` are those of them whose credentials had to be renewed. `wrong` says, for each account whose credentials
    cannot read it, why: then only `renewed` are stored, because their refresh tokens are used up. `notes` are lines for
    the user.
    """

    accounts: Sequence[NewAccount]
    renewed: Sequence[NewAccount] = ()
    wrong: Sequence[str] = ()
    notes: Sequence[str] = field(default=())


def check_credentials(settings: Settings, accounts: Sequence[NewAccount]) -> Check:
    """Ask the platforms to which account each token belongs and what it may read, and try the refresh tokens.

    A refresh token that works only once is used only if its access token has ended, and only if no other account was
    refused: its new tokens have to be stored.
    """
    # Imported late: requests takes a quarter of a second to import.
    from pipelines.collect.identity import Claim, check, renew

    claims = [Claim(one.platform, one.platform_account_id, one.credentials) for one in accounts]
    found = check(settings, claims)
    ended = [n for n, answer in enumerate(found) if answer.verdict == "ended"]
    if ended and not any(answer.verdict == "wrong" for answer in found):
        for n, answer in zip(ended, renew(settings, [claims[n] for n in ended]), strict=True):
            found[n] = answer
    stored = [
        account if answer.credentials is None else replace(account, credentials=answer.credentials)
        for account, answer in zip(accounts, found, strict=True)
    ]
    pairs = list(zip(stored, found, strict=True))
    wrong = [f"{_named(account)}: {answer.reason}" for account, answer in pairs if answer.verdict == "wrong"]
    renewed = [one for one, answer in pairs if answer.credentials is not None and answer.verdict != "wrong"]
    refused, permission_notes = _permissions(settings, [one for one, answer in pairs if answer.verdict == "right"])
    wrong += [f"{_named(account)}: {reason}" for account, reason in refused]
    # The refresh tokens of platforms that tell permissions work again, so that nothing has to be stored.
    renewed = [one for one in renewed if all(one is not account for account, _ in refused)]
    notes = [
        f"{_named(account)} belongs to {visible(answer.handle)}"
        for account, answer in (pairs if len(pairs) <= _MOST_NAMED else ())
        if answer.verdict == "right" and answer.handle
    ]
    unknown = {account.platform: answer.reason for account, answer in pairs if answer.verdict == "unknown"}
    notes += [
        f"{platform}: the tokens could not be checked ({reason}); the next hourly collection reports a wrong one"
        for platform, reason in sorted(unknown.items())
    ]
    untried = {
        account.platform
        for account, answer in pairs
        if answer.verdict == "right" and answer.credentials is None and _works_once(account)
    }
    notes += [
        f"{platform}: a refresh token may work only once there, so that it is tried at the first renewal"
        for platform in sorted(untried)
    ]
    return Check(stored, renewed, wrong, [*notes, *permission_notes])


def _permissions(
    settings: Settings, accounts: Sequence[NewAccount]
) -> tuple[Sequence[tuple[NewAccount, str]], Sequence[str]]:
    """Ask the platforms that tell it which permissions tokens have.

    Return the accounts that are refused, as a login refuses them, because their tokens lack a needed permission, each
    with the reason; and notes about permissions that are missing and not needed, or that could not be asked for.
    """
    if not accounts:
        return [], []
    with ThreadPoolExecutor(min(_AT_ONCE, len(accounts)), thread_name_prefix="permissions") as pool:
        found = list(pool.map(lambda one: _lacking(settings, one), accounts))
    refused, notes, untold = [], [], set()
    for account, missing in zip(accounts, found, strict=True):
        names = ", ".join(map(str, missing or ()))
        if missing is None:
            untold.add(account.platform)
        elif any(one.needed for one in missing):
            refused.append(
                (account, f"the token lacks {names}: get one with every permission that docs/connecting.md lists")
            )
        elif missing:
            notes.append(f"{_named(account)} is connected without {names}")
    notes += [
        f"{platform}: it was not told which permissions the tokens have: compare them with those in docs/connecting.md"
        for platform in sorted(untold)
    ]
    return refused, notes


def _lacking(settings: Settings, account: NewAccount) -> Collection[Permission] | None:
    """Return the permissions that a token lacks; None if the platform should tell them and did not."""
    try:
        return lacking(settings, account.platform, account.credentials)
    except NotConnected:
        return None


def refusal(check: Check, connected: Sequence[str]) -> str:
    """Return the message about wrong credentials; `connected` are the ids of the accounts that were stored anyway."""
    first = "nothing was connected"
    if connected:
        more = f" and {len(connected) - MAX_PROBLEMS} more" if len(connected) > MAX_PROBLEMS else ""
        first = (
            f"only {', '.join(connected[:MAX_PROBLEMS])}{more} could be connected, with renewed tokens (the refresh "
            "tokens that you gave have ended: leave these accounts out the next time)"
        )
    rest = f"; and {len(check.wrong) - MAX_PROBLEMS} more" if len(check.wrong) > MAX_PROBLEMS else ""
    return f"{first}; {'; '.join(check.wrong[:MAX_PROBLEMS])}{rest} (--unchecked skips this check)"


def _named(account: NewAccount) -> str:
    return f"{account.platform} account {account.platform_account_id}"


def _works_once(account: NewAccount) -> bool:
    login = FACTS[account.platform].login
    return "refresh_token" in account.credentials and login is not None and login.refresh_works_once
