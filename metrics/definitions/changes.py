"""Changes of definitions: define, and retire. Versions are only ever added."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from metrics.aggregation.totals import ACCOUNT_SUMS, POST_SUMS
from metrics.definitions.language.checker import Checked, check
from metrics.definitions.language.vocabulary import RESERVED, Vocabulary, instead
from metrics.errors import InvalidInput, NotFound
from metrics.ids import check_text
from metrics.store import Store
from metrics.store.workspace.metric_definitions import Change, DefinitionDocument, Newest, version_id

MAX_DEFINITIONS = 200
MAX_VERSIONS = 200
"""How many definitions a workspace may have, and how many versions each of them: a request reads all of them."""
LONGEST_TITLE, LONGEST_DESCRIPTION = 100, 1000
NAME_PATTERN = "^[A-Za-z][A-Za-z0-9_]{0,63}$"
_NAME = re.compile(NAME_PATTERN)
_OF_ROLLUPS = frozenset({
    *POST_SUMS, *ACCOUNT_SUMS, "postCountByType", "engagementRate", "avgEngagementRate", "minEngagementRate",
    "maxEngagementRate", "minFollowers", "maxFollowers", "avgFollowers", "followerGrowthRate",
})  # fmt: skip
_SHOWN = ("title", "expression", "description", "unit")


@dataclass(frozen=True, slots=True)
class NewDefinition:
    """A definition as a person gives it. `unit` is the unit that the person expects, None for the one that follows."""

    name: str
    title: str
    expression: str
    description: str | None = None
    unit: str | None = None


def define(
    store: Store, workspace_id: str, wanted: Sequence[NewDefinition], now: datetime
) -> dict[str, DefinitionDocument]:
    """Store definitions, all or none; return the newest version of each by name. Equal ones make no new version.

    A definition whose meaning changes because another one does gets a new version as well.

    Raises:
        InvalidInput: a name, a text or an expression is not accepted, or a change would break another definition.
        MongoUnavailable: MongoDB does not answer.
    """
    for one in wanted:
        _check_texts(one)
    if twice := sorted({one.name for one in wanted if sum(other.name == one.name for other in wanted) > 1}):
        raise InvalidInput(f"name: {', '.join(twice)} is given twice: give each definition once", "name")
    accounts = {one.account_id: one.platform for one in store.accounts.connections([workspace_id])}
    campaigns = store.campaigns.by_posts(workspace_id)
    found: dict[str, DefinitionDocument] = {}

    def decide(newest: Newest) -> Change:
        versions = _new_versions(newest, wanted, Vocabulary(workspace_id, {}, accounts, campaigns), now)
        found.clear()
        found.update({one.name: newest[one.name] for one in wanted if one.name in newest})
        found.update({one["name"]: one for one in versions if any(one["name"] == each.name for each in wanted)})
        return Change(versions)

    store.definitions.change(workspace_id, decide)
    return found


def retire(store: Store, workspace_id: str, name: str, now: datetime) -> None:
    """Take a definition out of use; its versions stay. Retiring it again changes nothing.

    Raises:
        NotFound: there is no definition of this name.
        InvalidInput: another definition names it.
        MongoUnavailable: MongoDB does not answer.
    """

    def decide(newest: Newest) -> Change:
        if name not in newest:
            hint = instead(name, newest) if newest else "the workspace has none"
            raise NotFound(f"there is no definition {name}: {hint}")
        if users := sorted(user for user, one in live(newest).items() if name in one["uses"]):
            raise InvalidInput(f"{name} is named by {', '.join(users)}: change or retire that first", "name")
        return Change() if "retiredAt" in newest[name] else Change((), (name,), now)

    store.definitions.change(workspace_id, decide)


def live(newest: Newest) -> dict[str, DefinitionDocument]:
    """Return the definitions that are in use."""
    return {name: one for name, one in newest.items() if "retiredAt" not in one}


def _check_texts(wanted: NewDefinition) -> None:
    if not _NAME.fullmatch(wanted.name):
        message = "name: a name has 1 to 64 letters, digits and underscores, and begins with a letter, as save_rate"
        raise InvalidInput(message, "name")
    if wanted.name in RESERVED or wanted.name in _OF_ROLLUPS:
        raise InvalidInput(f"name: {wanted.name} is a name of Tidemark itself: choose another one", "name")
    for parameter, text, longest in (
        ("title", wanted.title, LONGEST_TITLE), ("description", wanted.description or " ", LONGEST_DESCRIPTION)
    ):  # fmt: skip
        check_text(text, parameter)
        if not 1 <= len(text) <= longest:
            raise InvalidInput(f"{parameter}: a {parameter} has 1 to {longest:,} characters", parameter)


def _new_versions(
    newest: Newest,
    wanted: Iterable[NewDefinition],
    vocabulary: Vocabulary,
    now: datetime,
) -> list[DefinitionDocument]:
    """Return the versions to add: of what was given, and of what names an expression that changes."""
    before, workspace_id = live(newest), vocabulary.workspace_id
    given = {one.name: one for one in wanted}
    expressions = {name: one["expression"] for name, one in before.items()}
    expressions |= {name: one.expression for name, one in given.items()}
    if len(expressions) > MAX_DEFINITIONS:
        raise InvalidInput(f"a workspace has at most {MAX_DEFINITIONS} definitions: retire one first", "name")
    changed = {
        name for name, one in given.items() if name not in before or one.expression != before[name]["expression"]
    }
    checked: dict[str, Checked] = {}
    for name, one in given.items():
        checked[name] = check(one.expression, replace(vocabulary, definitions=expressions), name=name, unit=one.unit)
    stored = Vocabulary(workspace_id, expressions)
    users = [name for name, one in before.items() if name not in given and changed & one["uses"].keys()]
    for name in users:
        checked[name] = _still_accepted(name, before[name], stored, changed)
    # A retired definition of the same name was numbered as well.
    numbers = {name: one["version"] for name, one in newest.items()}
    fresh = [name for name in checked if name in users or _differs(given[name], checked[name], before.get(name))]
    fresh += [name for name in given if name not in fresh and changed & checked[name].uses]
    for name in fresh:
        numbers[name] = numbers.get(name, 0) + 1
        if numbers[name] > MAX_VERSIONS:
            raise InvalidInput(
                f"{name} has {MAX_VERSIONS} versions, which is the most: define it by another name", "name"
            )
    return [
        _document(workspace_id, name, given.get(name), before.get(name), checked[name], numbers, changed, now)
        for name in fresh
    ]


def _still_accepted(name: str, before: DefinitionDocument, vocabulary: Vocabulary, changed: set[str]) -> Checked:
    """Return the formula of a definition that names a changed one.

    Raises:
        InvalidInput: it would not be accepted any more, or its unit would be another one.
    """
    cause = ", ".join(sorted(changed & before["uses"].keys()))
    try:
        return check(before["expression"], vocabulary, name=name, unit=before["unit"])
    except InvalidInput as error:
        reason = str(error).partition(": ")[2]
        raise InvalidInput(f"expression: {name} names {cause}, and would be refused: {reason}", "expression") from None


def _differs(given: NewDefinition, checked: Checked, before: DefinitionDocument | None) -> bool:
    if before is None:
        return True
    new = {"title": given.title, "expression": given.expression, "description": given.description, "unit": checked.unit}
    return any(before.get(name) != new[name] for name in _SHOWN)


def _document(
    workspace_id: str,
    name: str,
    given: NewDefinition | None,
    before: DefinitionDocument | None,
    checked: Checked,
    numbers: Mapping[str, int],
    changed: set[str],
    now: datetime,
) -> DefinitionDocument:
    source: Mapping[str, object] = (
        {"title": given.title, "expression": given.expression, "description": given.description}
        if given is not None
        else before or {}
    )
    version = numbers[name]
    document: DefinitionDocument = {
        "_id": version_id(workspace_id, name, version),
        "workspaceId": workspace_id,
        "name": name,
        "version": version,
        "title": str(source["title"]),
        "expression": str(source["expression"]),
        "unit": checked.unit,
        "normalForm": str(checked.form),
        "uses": {used: numbers[used] for used in sorted(checked.uses)},
        "createdAt": now,
    }
    if source.get("description") is not None:
        document["description"] = str(source["description"])
    if name not in changed and (causes := sorted(changed & checked.uses)):
        document["because"] = causes[0]
    return document
