"""Checks of answers against `/openapi.json`: the status, headers, media type and body of all answers in tests."""

import re
from functools import cache
from typing import Any

import httpx
import jsonschema_rs

from metrics.encoding import dump_json
from serving.description.openapi import document


@cache
def _validator(pointer: str) -> jsonschema_rs.Validator:
    said = jsonschema_rs_document()
    return jsonschema_rs.validator_for({"$ref": pointer, "components": said["components"]}, validate_formats=True)


@cache
def jsonschema_rs_document() -> dict[str, Any]:
    said: dict[str, Any] = httpx.Response(200, content=dump_json(document())).json()
    return said


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """Return the operation of a call in the document, or None if the document does not have the path."""
    for template, methods in jsonschema_rs_document()["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            operation: dict[str, Any] | None = methods.get(method.lower())
            return operation
    return None


def check(answer: httpx.Response) -> None:
    """Fail if an answer does not conform to the document."""
    operation = operation_of(answer.request.method, answer.request.url.path)
    if operation is None:
        return
    described = operation["responses"].get(str(answer.status_code))
    assert described, f"{operation['operationId']} does not tell of {answer.status_code}"
    if "$ref" in described:
        described = jsonschema_rs_document()["components"]["responses"][described["$ref"].rpartition("/")[2]]
    missing = {name for name in described.get("headers", {}) if name.lower() not in answer.headers}
    assert missing <= {"RateLimit", "RateLimit-Policy", "Stream-Cursor"}, f"{operation['operationId']}: no {missing}"
    if answer.status_code == 304:
        return
    media_type = answer.headers["content-type"].partition(";")[0]
    assert media_type in described["content"], f"{operation['operationId']} does not tell of {media_type}"
    if media_type.endswith(("/json", "+json")):
        answer.read()
        validate(described["content"][media_type]["schema"]["$ref"], answer.json())


def validate(pointer: str, value: Any) -> None:
    """Fail if a value does not match a schema."""
    errors = [f"{list(e.instance_path)}: {e.message}" for e in _validator(pointer).iter_errors(value)]
    assert not errors, f"{pointer}: {errors[:3]}"
