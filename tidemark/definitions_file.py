"""The YAML file of definitions that `tidemark metrics` exports and imports. A file is accepted or refused as a whole.

save_rate:
  title: Rate of saves
  expression: percent(saves, views)
  description: How many of those who saw a post saved it.   # optional
  unit: percent                                             # optional: another unit than follows is refused
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml

from metrics.definitions.changes import NewDefinition
from metrics.errors import InvalidInput
from metrics.store.workspace.metric_definitions import DefinitionDocument
from metrics.visible import visible

MAX_BYTES: Final = 1024 * 1024
FIELDS = ("title", "expression", "description", "unit")
_NEEDED = ("title", "expression")
_SHOWN = 40
_DEEPEST = 10
"""Lists and mappings within one another; a file of definitions has two."""


class _Loader(yaml.SafeLoader):
    """A loader that refuses names that are given twice, of which YAML's parsers silently keep one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return the mapping of a node."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise InvalidInput(f"{_place(node.start_mark)}: {visible(twice[:_SHOWN])} is given twice")
        return super().construct_mapping(node, deep)


def parse(content: bytes) -> list[NewDefinition]:
    """Return the definitions of a file.

    Raises:
        InvalidInput: the file is no YAML of this form; the message has the definition, the field and what to write.
    """
    if len(content) > MAX_BYTES:
        raise InvalidInput(f"the file is larger than {MAX_BYTES // 1024} KiB, which no definitions need")
    try:
        text = content.decode("utf-8-sig")
        # An alias could make a small file enormous, and no definition needs one. Thousands of brackets within one
        # another would take the parser minutes.
        depth = 0
        for event in yaml.parse(text, _Loader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _DEEPEST:
                raise InvalidInput("the file is nested too deeply: a definition has a name and texts")
            if isinstance(event, yaml.AliasEvent):
                raise InvalidInput(f"{_place(event.start_mark)}: an alias (*{event.anchor}): write the text itself")
        found = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except UnicodeDecodeError:
        raise InvalidInput("the file is not UTF-8 text") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = visible(str(getattr(error, "problem", None) or "it cannot be read"))
        raise InvalidInput(f"{_place(mark)}: no YAML: {problem}") from None
    if not isinstance(found, dict) or not found:
        raise InvalidInput("the file has no definition: write `name:`, and below it title and expression")
    return [_definition(name, fields) for name, fields in found.items()]


def _place(mark: Any) -> str:
    return f"line {mark.line + 1}" if mark is not None else "the file"


def _definition(name: Any, fields: Any) -> NewDefinition:
    shown = visible(str(name)[:_SHOWN])
    if not isinstance(name, str):
        raise InvalidInput(f"{shown}: the name is no text: put it in quotation marks")
    if not isinstance(fields, Mapping):
        raise InvalidInput(f"{shown}: has no fields: write {', '.join(FIELDS)} below the name")
    if unknown := [visible(str(one)[:_SHOWN]) for one in fields if one not in FIELDS]:
        raise InvalidInput(f"{shown}: {', '.join(unknown)}: no such field; the fields are {', '.join(FIELDS)}")
    if missing := [one for one in _NEEDED if fields.get(one) is None]:
        raise InvalidInput(f"{shown}: {', '.join(missing)} missing")
    if odd := [one for one, value in fields.items() if value is not None and not isinstance(value, str)]:
        raise InvalidInput(f"{shown}: {', '.join(odd)} is no text: put it in quotation marks")
    return NewDefinition(name, fields["title"], fields["expression"], fields.get("description"), fields.get("unit"))


def dump(documents: Iterable[DefinitionDocument]) -> str:
    """Return definitions as the text of a file."""
    shown = {one["name"]: {name: one[name] for name in FIELDS if name in one} for one in documents}  # type: ignore[literal-required]
    return yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100) if shown else "{}\n"
