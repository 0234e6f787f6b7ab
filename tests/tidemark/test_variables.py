"""Misspelt settings are told apart from variables that Kubernetes sets in every pod."""

import pytest

from metrics.clock import VARIABLE
from tidemark.variables import strays


def service_variables(service: str, port: int, port_name: str) -> list[str]:
    """Return the names that Kubernetes sets for a Service: those of its own and those after Docker's links."""
    base = service.upper().replace("-", "_")
    link = f"{base}_PORT_{port}_TCP"
    return [
        *(f"{base}_SERVICE_HOST", f"{base}_SERVICE_PORT", f"{base}_SERVICE_PORT_{port_name.upper()}", f"{base}_PORT"),
        *(link, f"{link}_PROTO", f"{link}_PORT", f"{link}_ADDR"),
    ]


@pytest.mark.parametrize(("service", "port", "name"), [("tidemark", 4000, "grpc"), ("tidemark-serving", 80, "http")])
def test_variables_of_services_are_not_strays(service: str, port: int, name: str) -> None:
    assert strays(service_variables(service, port, name)) == []


def test_misspelt_setting_beside_a_service_is_found() -> None:
    names = [*service_variables("tidemark-serving", 80, "http"), "TIDEMARK_HTP_PORT", "TIDEMARK_SERVING_PORTS"]
    assert [str(stray) for stray in strays(names)] == [
        "TIDEMARK_HTP_PORT is no setting: did you mean TIDEMARK_HTTP_PORT?",
        "TIDEMARK_SERVING_PORTS is no setting: docs/settings.md lists all; remove it",
    ]


def test_port_without_a_service_is_a_stray() -> None:
    assert [stray.name for stray in strays(["TIDEMARK_PORT", "TIDEMARK_RETENTION_DAYS", VARIABLE])] == ["TIDEMARK_PORT"]
