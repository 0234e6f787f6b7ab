"""Accounts that a user gave by name: the platform resolves each name before anything is connected."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from metrics.connecting.new_account import NewAccount
from metrics.documents import Platform
from metrics.errors import InvalidInput
from metrics.settings import Settings
from tidemark.rows import MAX_PROBLEMS

Ids = Mapping[tuple[Platform, str], tuple[str | None, str]]


def with_ids(settings: Settings, accounts: list[NewAccount]) -> list[NewAccount]:
    """Return accounts with their ids, which the platforms are asked for where a name was given.

    Raises:
        InvalidInput: a name could not be resolved, or belongs to an account that was given as well.
    """
    names = [(account.platform, account.platform_account_id) for account in accounts if account.is_named]
    if not names:
        return accounts
    # Imported late: requests takes a quarter of a second to import.
    from pipelines.collect.identity import resolve_names

    ids = resolve_names(settings, names)
    problems = [f"{platform} account {name}: {why}" for (platform, name), (found, why) in ids.items() if found is None]
    resolved = [_resolved(account, ids) for account in accounts]
    if problems := problems or list(_twice(accounts, resolved)):
        raise InvalidInput(f"nothing was connected; {'; '.join(problems[:MAX_PROBLEMS])}")
    return resolved


def _resolved(account: NewAccount, ids: Ids) -> NewAccount:
    found = ids[account.platform, account.platform_account_id][0] if account.is_named else None
    return account if found is None else replace(account, platform_account_id=found, is_named=False)


def _twice(given: Sequence[NewAccount], resolved: Sequence[NewAccount]) -> list[str]:
    """Return a message for each account that was given before under another name."""
    first: dict[tuple[str, str, str], str] = {}
    problems = []
    for account, found in zip(given, resolved, strict=True):
        name = account.platform_account_id
        if first.setdefault(found.identity, name) != name:
            problems.append(f"{account.platform} account {name}: the same account as {first[found.identity]}")
    return problems
