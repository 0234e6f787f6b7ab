"""Metrics of a workspace's own: define, list, retire, and evaluate a formula without keeping it."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import groupby
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from metrics.clock import utcnow
from metrics.definitions.changes import NewDefinition, define, live, retire
from metrics.definitions.language.checker import check
from metrics.definitions.language.units import kind_of
from metrics.definitions.language.vocabulary import Vocabulary
from metrics.definitions.preview import Preview, preview
from metrics.definitions.scope import Value
from metrics.errors import InvalidInput, NotFound
from metrics.expected import Span
from metrics.store import Store
from metrics.store.workspace.metric_definitions import DefinitionDocument
from serving.endpoints.access import existing_workspace, key_of
from serving.endpoints.answering import WHOLE
from serving.endpoints.bodies import json_body
from serving.endpoints.configuration.changed import announce_change, fresh
from serving.endpoints.query import NoQuery, parse
from serving.schemas.base import declared_names
from serving.schemas.definitions import DefinitionVersion, Formula, OwnMetric, PreviewedFormula
from serving.services import services
from serving.wire.problems import Problem, not_found


async def definitions(request: Request) -> Response:
    """Answer the definitions of a workspace with all their versions, by name."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    documents = await parts.threads.run_for(key_of(request).key_id, parts.store.definitions.versions, workspace_id)
    by_name = [_shown(list(versions)) for _, versions in groupby(documents, lambda one: one["name"])]
    return fresh({"data": by_name, "page": WHOLE})


async def definition(request: Request) -> Response:
    """Answer one definition with all its versions."""
    workspace_id = await existing_workspace(request, "read")
    parse(request, NoQuery)
    parts = services(request)
    key_id, name = key_of(request).key_id, request.path_params["name"]
    return fresh({"data": await parts.threads.run_for(key_id, _read, parts.store, workspace_id, name)})


async def put_definition(request: Request) -> Response:
    """Define a metric, or change it, which makes a new version; an equal definition changes nothing."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts, name = await json_body(request, Formula), services(request), request.path_params["name"]
    wanted = NewDefinition(name, body.title, body.expression, body.description, body.unit)

    def change() -> dict[str, Any]:
        define(parts.store, workspace_id, [wanted], utcnow())
        announce_change(parts, workspace_id, "definition")
        return _read(parts.store, workspace_id, name)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def retire_definition(request: Request) -> Response:
    """Take a definition out of use; its versions stay."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    parts, name = services(request), request.path_params["name"]

    def change() -> dict[str, Any]:
        try:
            retire(parts.store, workspace_id, name, utcnow())
        except NotFound:
            raise not_found() from None
        except InvalidInput as error:
            raise Problem(422, f"{error}.", errors=[("name", str(error))]) from None
        announce_change(parts, workspace_id, "definition")
        return _read(parts.store, workspace_id, name)

    return fresh({"data": await parts.threads.run_for(key_of(request).key_id, change)})


async def preview_definition(request: Request) -> Response:
    """Evaluate a formula over the last eight weeks of a workspace; nothing is kept."""
    workspace_id = await existing_workspace(request, "admin")
    parse(request, NoQuery)
    body, parts = await json_body(request, PreviewedFormula), services(request)
    found = await parts.threads.run_for(
        key_of(request).key_id, preview, parts.store, workspace_id, body.expression, utcnow(), body.unit
    )
    return fresh({"data": previewed(found), "meta": {"definitions": found.uses}})


def previewed(found: Preview) -> dict[str, Any]:
    """Return a preview as the API shows it."""
    return {
        "unit": found.checked.unit,
        "normalForm": str(found.checked.form),
        "weeks": [_of_span(span, value) for span, value in found.weeks],
        "total": _of_span(*found.total),
    }


def _of_span(span: Span, value: Value) -> dict[str, Any]:
    shown: dict[str, Any] = {"start": span[0], "end": span[1]}
    if value.parts is None:
        return {**shown, "reason": value.reason}
    shown |= {"value": value.value, "parts": value.parts.shown()}
    return {**shown, "missing": list(value.missing)} if value.missing else shown


def own_metrics(store: Store, workspace_id: str) -> list[dict[str, Any]]:
    """Return the metrics of a workspace's own that are in use, as the catalog shows them, by name.

    Raises:
        MongoUnavailable: MongoDB does not answer.
    """
    names = declared_names(OwnMetric)
    in_use = live(store.definitions.newest(workspace_id))
    vocabulary = Vocabulary(workspace_id, {name: one["expression"] for name, one in in_use.items()})
    found: list[dict[str, Any]] = []
    for name, one in in_use.items():
        shown: dict[str, Any] = {field: value for field, value in one.items() if field in names}
        shown["versions"] = list(range(1, one["version"] + 1))
        with suppress(InvalidInput):
            shown["kind"] = kind_of(check(one["expression"], vocabulary, name=name).form)
        found.append(shown)
    return found


def _read(store: Store, workspace_id: str, name: str) -> dict[str, Any]:
    documents = store.definitions.versions(workspace_id, name)
    if not documents:
        raise not_found()
    return _shown(documents)


def _shown(documents: Iterable[DefinitionDocument]) -> dict[str, Any]:
    names = declared_names(DefinitionVersion)
    versions = [{name: value for name, value in one.items() if name in names} for one in documents]
    *_, newest = documents
    shown: dict[str, Any] = {"name": newest["name"], "version": newest["version"], "versions": versions}
    return {**shown, "retiredAt": newest["retiredAt"]} if "retiredAt" in newest else shown
