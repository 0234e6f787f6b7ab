"""Joins the dashboard's ES modules into one script, so that a browser needs one request instead of forty.

Each module becomes a function that returns its exports, after the modules that it imports. Only the forms of `import`
and `export` that the dashboard uses are known; any other form is refused.
"""

import re
from collections.abc import Mapping
from graphlib import TopologicalSorter

_IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\}|\* as (?P<whole>\w+)) from "\./(?P<module>[\w-]+\.js)";$', re.MULTILINE
)
_DECLARATION = re.compile(r"^export (?=(?:(?:async )?function|class|const) (?P<name>[\w$]+))", re.MULTILINE)
_LIST = re.compile(r"^export \{(?P<names>[^}]*)\};$", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$|\bimport\.meta\b|\bimport\(", re.MULTILINE)


def bundle(modules: Mapping[str, str], entry: str) -> str:
    """Return one script that does what the module `entry` does; `modules` are the texts of all modules by file name.

    Modules that `entry` does not need are left out.

    Raises:
        KeyError: a module imports one that does not exist.
        ValueError: modules import one another in a circle (`graphlib.CycleError`), or a module has a form of `import`
            or `export` that is not known here.
    """
    needs: dict[str, set[str]] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        if name not in needs:
            needs[name] = {found["module"] for found in _IMPORT.finditer(modules[name])}
            waiting += needs[name]
    return "\n".join(_function(name, modules[name]) for name in TopologicalSorter(needs).static_order())


def _function(name: str, text: str) -> str:
    exports = [found["name"] for found in _DECLARATION.finditer(text)]
    for found in _LIST.finditer(text):
        exports += [one.strip() for one in found["names"].split(",")]
    body = _LIST.sub("", _DECLARATION.sub("", _IMPORT.sub(_binding, text)))
    if other := _OTHER.search(body):
        raise ValueError(f"{name}: this form of import or export cannot be bundled: {other[0].strip()}")
    return f"const {_variable(name)} = (() => {{\n{body}\nreturn {{ {', '.join(exports)} }};\n}})();"


def _binding(found: re.Match[str]) -> str:
    """Return the statement that takes the place of an import, in as many lines."""
    target = found["whole"] or f"{{{found['names'].replace(' as ', ': ')}}}"
    return f"const {target} = {_variable(found['module'])};"


def _variable(name: str) -> str:
    return "module_" + name.removesuffix(".js").replace("-", "_")
