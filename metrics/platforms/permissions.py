"""The form in which it is described which permissions a token needs, and how a platform tells which ones a token has.

A login asks for the permissions itself (`login.py`). This is for tokens that a user got elsewhere and hands over.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from metrics.platforms.login import Question


@dataclass(frozen=True, slots=True)
class Permission:
    """A permission that the reading of an account needs.

    Any one of `names` is enough; the first is the one to ask for. `gives` names what is read with it, and would be
    missing without it. A token without a permission that is not `needed` is accepted.
    """

    names: tuple[str, ...]
    gives: str
    needed: bool = True

    def __str__(self) -> str:
        return f"{self.names[0]} (for {self.gives})"


def _always(_credentials: Mapping[str, object]) -> bool:
    """Answer for a platform that tells the permissions of each token."""
    return True


@dataclass(frozen=True, slots=True)
class TokenPermissions:
    """The permissions that a token needs, and the question whose answer has those that it was granted.

    The texts of the question may name credentials of the account, such as `{client_id}`. `tells` says whether the
    platform tells the permissions of a token with these credentials.
    """

    question: Question[frozenset[str]]
    permissions: tuple[Permission, ...]
    tells: Callable[[Mapping[str, object]], bool] = _always


def of_me_permissions(body: Any) -> frozenset[str]:
    """Return the granted permissions of an answer of Meta's `me/permissions`, which names declined ones too."""
    return frozenset(one["permission"] for one in body["data"] if one["status"] == "granted")
