"""The pages of a login: what is going to be connected, and how it ended. They have no script and load nothing."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from html import escape
from http import HTTPStatus

from starlette.responses import HTMLResponse

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.6 system-ui,sans-serif;max-width:38rem;margin:3rem auto;padding:0 1rem;overflow-wrap:anywhere}"
    "h1{font-size:1.4rem}"
    ".go{display:inline-block;padding:.6rem 1.2rem;border:2px solid;border-radius:.4rem;font-weight:600}"
    "button.go{font:inherit;font-weight:600;background:none;color:inherit;cursor:pointer}"
    "fieldset{border:1px solid;border-radius:.4rem;padding:.4rem 1rem}label{display:block;padding:.4rem 0}"
    "code{font-size:.95em}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def page(title: str, *parts: str, status: int = HTTPStatus.OK, has_form: bool = False) -> HTMLResponse:
    """Return a page with a heading and parts, which are HTML; only with `has_form` it may send a form, to this site."""
    target = "'self'" if has_form else "'none'"
    policy = (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; form-action {target}; "
        "frame-ancestors 'none'"
    )
    body = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)} · Tidemark</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{''.join(parts)}</main></body></html>"
    )
    return HTMLResponse(body, status, {**_HEADERS, "Content-Security-Policy": policy})


def paragraph(text: str) -> str:
    """Return a text as a paragraph; parts between backticks are code."""
    pieces = text.split("`")
    html = "".join(f"<code>{escape(one)}</code>" if n % 2 else escape(one) for n, one in enumerate(pieces))
    return f"<p>{html}</p>"


def bullets(items: Iterable[str]) -> str:
    """Return texts as a list of code."""
    return f"<ul>{''.join(f'<li><code>{escape(one)}</code></li>' for one in items)}</ul>"


def choices(action: str, hidden: Mapping[str, str], name: str, options: Iterable[tuple[str, str]], text: str) -> str:
    """Return a form with a check box per option, a value and a label, and a button with a text."""
    kept = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in hidden.items())
    boxes = "".join(
        f'<label><input type="checkbox" name="{escape(name)}" value="{escape(value)}"> {escape(label)}</label>'
        for value, label in options
    )
    return (
        f'<form method="post" action="{escape(action)}">{kept}<fieldset>{boxes}</fieldset>'
        f'<p><button class="go" id="go">{escape(text)}</button></p></form>'
    )


def button(text: str, url: str) -> str:
    """Return a link that looks like a button; it tells the next page nothing about this one."""
    return f'<p><a class="go" id="go" rel="noreferrer" href="{escape(url)}">{escape(text)}</a></p>'
