"""The base of all queries: strict models, and how a request becomes one."""

from functools import cache
from typing import TypeVar, get_origin

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from starlette.requests import Request

from metrics.errors import InvalidInput

MAX_PARAMETERS = 32


class Query(BaseModel):
    """The parameters of a route; undeclared parameters are refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, populate_by_name=True, frozen=True)


class NoQuery(Query):
    """The query of a route without parameters."""


Q = TypeVar("Q", bound=Query)


def parse(request: Request, model: type[Q]) -> Q:
    """Return the query of a request.

    Raises:
        InvalidInput: a parameter that is no list is given twice, or there are too many parameters.
        ValidationError: a parameter is unknown, missing or wrong.
    """
    if len(request.query_params.multi_items()) > MAX_PARAMETERS:
        raise InvalidInput(f"a query may have at most {MAX_PARAMETERS} parameters")
    values: dict[str, str | list[str]] = {}
    lists = _lists(model)
    for name, value in request.query_params.multi_items():
        if name in values and name not in lists:
            raise InvalidInput(f"{name}: must be given only once", name)
        values[name] = [*values.get(name, ()), value] if name in lists else value
    return model.model_validate(values, by_alias=True, by_name=False)


@cache
def _lists(model: type[Query]) -> frozenset[str]:
    """Return the names of the parameters that may be repeated."""
    return frozenset(str(field.alias) for field in model.model_fields.values() if get_origin(field.annotation) is tuple)
