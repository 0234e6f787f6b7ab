"""JSON bodies of requests: read strictly, and checked against a shape."""

import codecs
import json
from typing import Any, TypeVar

from pydantic import BaseModel
from starlette.requests import Request

from metrics.errors import InvalidInput
from serving.wire.problems import Problem

B = TypeVar("B", bound=BaseModel)


async def json_body(request: Request, model: type[B]) -> B:
    """Return the body of a request.

    Raises:
        Problem: 415, the body is no JSON, or it is compressed.
        InvalidInput: a name is given twice.
        pydantic.ValidationError: the body has another form than the model.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(415, "Send JSON: `Content-Type: application/json`.")
    if request.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Problem(415, "Send the body uncompressed, without a `Content-Encoding`.")
    content = (await request.body()).removeprefix(codecs.BOM_UTF8)
    body = model.model_validate_json(content)
    json.loads(content, object_pairs_hook=_refuse_duplicates)
    return body


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a JSON object with a duplicate name, because parsers differ in the value that they take.

    Raises:
        InvalidInput: a name is given twice; the error contains it.
    """
    values = dict(pairs)
    if len(values) < len(pairs):
        duplicate = next(name for name in values if sum(other == name for other, _ in pairs) > 1)
        raise InvalidInput(f"{duplicate}: must be given only once", duplicate)
    return values
