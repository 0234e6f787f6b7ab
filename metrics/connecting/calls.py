"""Calls of a platform during a login: sent with a deadline, read with care, and with errors that tell no secret."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import orjson

from metrics.connecting.errors import NotConnected
from metrics.connecting.words import platform_words
from metrics.network import Network
from metrics.platforms.login import Address, Question
from metrics.settings import Settings
from metrics.web import Answer, WebError, send

T = TypeVar("T")

_UNREADABLE = (LookupError, TypeError, ValueError, AttributeError)
_MOST_PAGES = 20
"""Pages of accounts that are read, of a hundred each."""


class Calls:
    """The calls of one login; `title` is the platform's name in errors, `secrets` what errors must not repeat."""

    def __init__(self, settings: Settings, title: str, secrets: set[str]) -> None:
        self._settings, self._network = settings, Network.of(settings)
        self._title, self.secrets = title, secrets

    def url(self, at: Address) -> str:
        """Return the URL of an address, by the settings."""
        return self._settings.platform_url(at.api) + at.path

    def send(self, at: Address, **sent: Any) -> Answer:
        """Return the answer to a request, whatever its status.

        Raises:
            NotConnected: the platform does not answer.
        """
        try:
            return send(self._network, self.url(at), **sent)
        except WebError as error:
            raise NotConnected("platform", f"{error}. Try again in a few minutes.") from None

    def json(self, answer: Answer) -> Any:
        """Return the body of an answer; None for an error without JSON.

        Raises:
            NotConnected: a good answer is no JSON.
        """
        try:
            return orjson.loads(answer.body)
        except ValueError:
            if answer.status >= 400:
                return None
            raise NotConnected(
                "platform", f"{self._title} did not answer with JSON ({answer.status}). Try again in a few minutes."
            ) from None

    def read(self, read: Callable[[], T]) -> T:
        """Return what a function reads from an answer.

        Raises:
            NotConnected: the answer has an unexpected form.
        """
        try:
            return read()
        except _UNREADABLE:
            raise NotConnected(
                "platform", f"The answer of {self._title} was not understood. Try again; if that repeats, report it."
            ) from None

    def ask(self, question: Question[T], token: str, told: Mapping[str, str] | None = None) -> T:
        """Return the answer to a question; `told` are the texts that its parameters may name.

        Raises:
            NotConnected: the platform does not answer, or refuses the token.
        """
        question = _filled(question, told or {})
        return self.read(partial(question.read, self._body(question, token)))

    def all_pages(self, question: Question[list[T]], token: str, told: Mapping[str, str]) -> list[T]:
        """Return the items of all pages of an answer, at most of `_MOST_PAGES`.

        `told` are the texts of the token's answer that the question's parameters may name.

        Raises:
            NotConnected: the platform does not answer, or refuses the token.
        """
        found: list[T] = []
        question = _filled(question, told)
        for _ in range(_MOST_PAGES):
            body = self._body(question, token)
            found += self.read(partial(question.read, body))
            following = self.read(partial(question.following, body))
            if not following:
                break
            question = replace(question, params={**question.params, **following})
        return found

    def _body(self, question: Question[Any], token: str) -> Any:
        self.secrets.add(token)
        query = _texts(question.params, {"token": token})
        form = _texts(question.form, {"token": token}) or None
        sent = {question.carried_by or "Authorization": token if question.carried_by else f"Bearer {token}"}
        answer = self.send(question.at, query=query, form=form, headers={**question.headers, **({} if form else sent)})
        body = self.json(answer)
        if answer.status >= 400 or question.refused(body):
            raise NotConnected(
                "platform", f"{self._title} refused its own new token: {platform_words(answer, body, self.secrets)}."
            )
        return body


def _filled(question: Question[T], told: Mapping[str, str]) -> Question[T]:
    return replace(question, params=_texts(question.params, told), form=_texts(question.form, told))


def _texts(texts: Mapping[str, str], told: Mapping[str, str]) -> dict[str, str]:
    """Return texts with the values of the names in braces that they hold."""
    found = dict(texts)
    for name, value in told.items():
        found = {one: text.replace(f"{{{name}}}", value) for one, text in found.items()}
    return found
