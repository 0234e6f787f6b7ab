"""`/docs` and `/problems/<slug>`: the API's description as HTML pages, self-contained, without scripts or a CDN."""

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.description.openapi import document
from serving.schemas.events import EVENTS
from serving.wire.problems import MEANINGS, SLUGS, not_found

Json = dict[str, Any]

_STYLE = """
:root{color-scheme:light dark;--line:#8884;--soft:#767676}
@media(prefers-color-scheme:dark){:root{--soft:#a0a0a0}}
*{box-sizing:border-box}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;max-width:64rem;padding:1rem}
h2{border-bottom:1px solid var(--line);margin-top:2.5rem}code,pre{font:0.875em ui-monospace,monospace}
details{border:1px solid var(--line);border-radius:.5rem;margin:.5rem 0;padding:.5rem .75rem}
summary{cursor:pointer;overflow-wrap:anywhere}summary b{display:inline-block;min-width:3.5rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}
th,td{border-top:1px solid var(--line);padding:.3rem .6rem .3rem 0;text-align:left;vertical-align:top}
pre{background:#8881;border-radius:.5rem;overflow-x:auto;padding:.75rem}.soft{color:var(--soft)}
"""


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )


def _prose(text: str) -> str:
    """Return text as HTML; parts in backticks become `<code>`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False))


@cache
def page() -> str:
    """Return the page that describes the whole API."""
    api = document()
    parts = [f"<h1>Tidemark API</h1><p>{_prose(api['info']['description']).replace(chr(10) * 2, '</p><p>')}</p>"]
    parts.append('<p>Machine-readable: <a href="/openapi.json">/openapi.json</a>. Open without a key: '
                 "<code>/healthz</code>, <code>/readyz</code>, this page.</p>")  # fmt: skip
    for tag in api["tags"]:
        parts.append(f"<h2>{tag['name']}</h2><p>{_prose(tag['description'])}</p>")
        parts += [
            _operation(path, method, operation)
            for path, methods in api["paths"].items()
            for method, operation in methods.items()
            if tag["name"] in operation["tags"]
        ]
    parts.append("<h2>Events</h2>" + "".join(_schema(m.__name__, f"{name} · ") for name, m in EVENTS.items()))
    parts.append(f"<h2>Errors</h2><p>All errors are <code>application/problem+json</code> (RFC 9457).</p>{_problems()}")
    events = {model.__name__ for model in EVENTS.values()}
    parts.append("<h2>Shapes</h2>")
    parts += [_schema(name) for name in api["components"]["schemas"] if name not in events]
    return _page("Tidemark API", "".join(parts))


def _operation(path: str, method: str, operation: Json) -> str:
    rows = [
        (
            f"<code>{p['name']}</code>{' *' if p['required'] else ''}",
            p["in"],
            _type(p["schema"]),
            _prose(p["description"]),
        )
        for p in operation["parameters"]
    ]
    answers = [(status, *_answer(answer)) for status, answer in operation["responses"].items()]
    body = operation.get("requestBody")
    return (
        f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
        f'<span class="soft">{_prose(operation["summary"])}</span></summary>'
        f'<p id="{operation["operationId"]}">{_prose(operation["description"])}</p>'
        + (_table(("parameter", "in", "type", "meaning"), rows) if rows else "")
        + (f"<p>Body: {_content(body)}</p>" if body else "")
        + f"<pre>{escape(_curl(path, method, operation))}</pre>"
        + _table(("status", "answer", "meaning"), answers)
        + "</details>"
    )


def _answer(answer: Json) -> tuple[str, str]:
    if "$ref" in answer:
        slug = _name(answer)
        return f'<a href="/problems/{slug}">{slug}</a>', _prose(
            document()["components"]["responses"][slug]["description"]
        )
    return _content(answer), _prose(answer["description"])


def _curl(path: str, method: str, operation: Json) -> str:
    """Return a curl command to copy, with the example values of the parameters."""
    query = []
    for parameter in operation["parameters"]:
        example = _example(parameter["schema"])
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", example)
        elif parameter["in"] == "query" and parameter["required"]:
            query.append(f"{parameter['name']}={example}")
    url = f"http://127.0.0.1:8000{path}" + (f"?{'&'.join(query)}" if query else "")
    options = " -N" if operation["operationId"] == "stream" else "" if method == "get" else f" -X {method.upper()}"
    lines = [f"curl{options} '{url}' \\", "  -H 'Authorization: Bearer tm_live_…'"]
    if body := operation.get("requestBody"):
        schema = _resolved(body["content"]["application/json"]["schema"])
        lines[-1] += " -H 'Content-Type: application/json' \\"
        lines.append(f"  -d '{orjson.dumps(schema['examples'][0]).decode()}'")
    return "\n".join(lines)


def _example(schema: Json) -> str:
    found = schema.get("examples") or schema.get("enum") or [schema.get("default", "demo-north")]
    return str(found[0])


def _resolved(schema: Json) -> Json:
    if "$ref" in schema:
        resolved: Json = document()["components"]["schemas"][_name(schema)]
        return resolved
    return schema


def _name(schema: Json) -> str:
    return str(schema["$ref"].rpartition("/")[2])


def _content(answer: Json) -> str:
    return "<br>".join(
        f"{_type(content['schema'])} <span class=soft>{escape(media_type)}</span>"
        for media_type, content in answer.get("content", {}).items()
    )


def _type(schema: Json) -> str:
    """Return a type in a few words."""
    if "$ref" in schema:
        return f'<a href="#{_name(schema)}">{_name(schema)}</a>'
    if "enum" in schema:
        return " | ".join(f"<code>{escape(str(value))}</code>" for value in schema["enum"])
    if "const" in schema:
        return f"<code>{escape(str(schema['const']))}</code>"
    if "anyOf" in schema:
        return " | ".join(_type(choice) for choice in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    bounds = [f"{word} {schema[name]}" for name, word in (("minimum", "from"), ("maximum", "to")) if name in schema]
    return escape(" ".join([schema.get("format") or schema.get("type", "any"), *bounds]))


def _schema(name: str, before: str = "") -> str:
    schema = document()["components"]["schemas"][name]
    required = schema.get("required", [])
    rows = [
        (f"<code>{field}</code>{' *' if field in required else ''}", _type(shape), _prose(shape.get("description", "")))
        for field, shape in schema.get("properties", {}).items()
    ]
    about = _prose(schema.get("description", ""))
    head = f'{escape(before)}<code>{name}</code> <span class="soft">{about}</span>'
    table = _table(("field", "type", "meaning"), rows)
    # The id is inside of the <details>: a browser opens it for a link to its content, not for a link to itself.
    return f'<details><summary>{head}</summary><div id="{name}">{table}</div></details>'


def _problems() -> str:
    rows = [(f'<a href="/problems/{slug}">{slug}</a>', str(status), _prose(MEANINGS[status]))
            for status, slug in SLUGS.items()]  # fmt: skip
    return _table(("type", "status", "meaning"), rows)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


async def docs(_request: Request) -> Response:
    """Answer the page that describes the API."""
    return HTMLResponse(page(), headers={"Cache-Control": "no-cache"})


async def problem(request: Request) -> Response:
    """Answer the page that explains one type of error."""
    slug = request.path_params["slug"]
    status = next((status for status, known in SLUGS.items() if known == slug), None)
    if status is None:
        raise not_found()
    body = f'<h1>{status} {slug}</h1><p>{_prose(MEANINGS[status])}</p><p><a href="/docs">The API</a></p>'
    return HTMLResponse(_page(slug, body), headers={"Cache-Control": "public, max-age=3600"})
