"""Modules are joined in the order in which they need one another; an unknown form of import or export is refused."""

from graphlib import CycleError

import pytest

from serving.dashboard.bundle import bundle

MAIN = 'import { a as first, $ } from "./low.js";\nimport * as all from "./odd-name.js";\nfirst(all.b, $);\n'
LOW = "export function a() {}\nexport const $ = 1;\nconst own = 2;\n"
ODD = 'import { a } from "./low.js";\nexport class K {}\nexport async function f() {}\nconst b = a;\nexport { b };\n'


def test_each_module_is_a_function_that_comes_after_those_it_imports() -> None:
    text = bundle({"main.js": MAIN, "odd-name.js": ODD, "low.js": LOW, "unused.js": "export const z = 1;"}, "main.js")
    places = [text.index(f"const module_{name} = ") for name in ("low", "odd_name", "main")]
    assert places == sorted(places)
    assert "const { a: first, $ } = module_low;" in text
    assert "const all = module_odd_name;" in text
    assert "return { a, $ };" in text
    assert "return { K, f, b };" in text
    assert "unused" not in text


def test_modules_in_a_circle_are_refused() -> None:
    with pytest.raises(CycleError):
        bundle({"main.js": 'import { a } from "./b.js";', "b.js": 'import { c } from "./main.js";'}, "main.js")


@pytest.mark.parametrize(
    "line",
    [
        "export default 1;",
        'export * from "./x.js";',
        'import x from "./x.js";',
        'import { a } from "other";',
        'const x = await import("./x.js");',
        "const here = import.meta.url;",
    ],
)
def test_unknown_form_is_refused_with_its_module(line: str) -> None:
    with pytest.raises(ValueError, match=r"main\.js: this form of import or export cannot be bundled"):
        bundle({"main.js": line}, "main.js")
