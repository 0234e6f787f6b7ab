"""Definitions as a workspace has stored them: look-up by name and version, for reads."""

from collections.abc import Iterable
from dataclasses import dataclass

from metrics.definitions.language.checker import Checked, check
from metrics.definitions.language.vocabulary import Vocabulary, instead
from metrics.errors import InvalidInput, NotFound
from metrics.store import Store
from metrics.store.workspace.metric_definitions import DefinitionDocument


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition that can be evaluated: its document and its checked formula."""

    document: DefinitionDocument
    checked: Checked

    @property
    def versions(self) -> dict[str, int]:
        """The versions of all definitions that a value depends on, by name, as `meta.definitions` shows them."""
        return {self.document["name"]: self.document["version"], **self.document["uses"]}


def find_definitions(store: Store, workspace_id: str, names: Iterable[str]) -> dict[str, Definition]:
    """Return the definitions of these names that are in use, in their newest version; other names are left out.

    Raises:
        InvalidInput: this version of Tidemark no longer accepts the expression.
        MongoUnavailable: MongoDB does not answer.
    """
    newest = store.definitions.newest(workspace_id)
    live = {name: newest[name] for name in names if name in newest and "retiredAt" not in newest[name]}
    return {name: _checked(store, document) for name, document in live.items()}


def find_version(store: Store, workspace_id: str, name: str, version: int | None = None) -> Definition:
    """Return a definition in a version, also one that was retired since; without a version, the newest one in use.

    Raises:
        NotFound: there is no definition of this name, or it has no such version.
        InvalidInput: without a version: it is retired.
        MongoUnavailable: MongoDB does not answer.
    """
    documents = store.definitions.versions(workspace_id, name)
    if not documents:
        known = store.definitions.newest(workspace_id)
        hint = f": {instead(name, known)}" if known else ": the workspace has no definition"
        raise NotFound(f"there is no definition {name}{hint}")
    found = next((one for one in documents if one["version"] == version), None) if version else documents[-1]
    if found is None:
        raise NotFound(f"{name} has no version {version}: it has 1 to {documents[-1]['version']}")
    if version is None and "retiredAt" in found:
        raise InvalidInput(f"{name} was retired: read one of its versions 1 to {found['version']}, or define it again")
    return _checked(store, found)


def _checked(store: Store, document: DefinitionDocument) -> Definition:
    """Return a definition with the formula that it was accepted with: it reads others in the versions of that time."""
    used = store.definitions.exactly(document["workspaceId"], document["uses"].items())
    vocabulary = Vocabulary(document["workspaceId"], {one["name"]: one["expression"] for one in used})
    return Definition(document, check(document["expression"], vocabulary, name=document["name"]))
