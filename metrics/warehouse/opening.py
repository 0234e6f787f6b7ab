"""Open the destination of a warehouse: the kinds that there are, what each needs, and the extra that it comes with."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

from metrics.errors import InvalidInput, SettingsError
from metrics.ids import check_id
from metrics.settings import Settings
from metrics.store.workspace.warehouses import WarehouseDocument, WarehouseKind, owner_of_url
from metrics.vault import Vault
from metrics.warehouse.destination import Destination


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of warehouse.

    The optional dependencies `extra` have its driver. `options` may be shown. `url` is the form of its secret URL; None
    if it has none.
    """

    title: str
    extra: str
    options: tuple[str, ...]
    url: str | None = None


KINDS: Mapping[WarehouseKind, Kind] = MappingProxyType(
    {
        "duckdb": Kind("DuckDB", "warehouse-duckdb", ("path",)),
        "postgres": Kind(
            "PostgreSQL", "warehouse-postgres", ("schema",), "postgresql://user:password@host:5432/database"
        ),
    }
)


def check_options(kind: WarehouseKind, options: Mapping[str, str], url: str | None) -> None:
    """Refuse options and a URL that a kind of warehouse does not take.

    Raises:
        InvalidInput: an option is unknown, missing or wrong, or there must be a URL, or none.
    """
    facts = KINDS[kind]
    for name in options:
        if name not in facts.options:
            raise InvalidInput(f"{name}: a warehouse of {facts.title} has no such option", name)
    if facts.url is None and url is not None:
        raise InvalidInput(f"url: a warehouse of {facts.title} has none", "url")
    if facts.url is not None and (url is None or not url.startswith(facts.url.split("user")[0])):
        raise InvalidInput(f"url: give the URL of the database, as {facts.url}, by --url-from", "url")
    if kind == "duckdb":
        path = Path(options.get("path", ""))
        if not path.is_absolute() or path.is_dir():
            raise InvalidInput(
                "path: give the absolute path of the file, as /var/lib/tidemark/warehouse.duckdb", "path"
            )
        if not path.parent.is_dir():
            raise InvalidInput(f"path: there is no folder {path.parent}: create it first", "path")
    elif "schema" in options:
        check_id(options["schema"], "schema")
        if not options["schema"].replace("_", "").isalnum() or options["schema"] != options["schema"].lower():
            raise InvalidInput("schema: a name has small letters, digits and underscores", "schema")


def open_destination(warehouse: WarehouseDocument, settings: Settings) -> Destination:
    """Connect to a warehouse.

    Raises:
        SettingsError: the driver is not installed, or TIDEMARK_SECRET_KEYS is not set.
        CredentialError: no key opens the sealed URL.
        WarehouseUnavailable, WarehouseRefused: it cannot be reached, or refuses the login.
    """
    name, kind, options = warehouse["_id"], warehouse["kind"], warehouse["options"]
    facts = KINDS[kind]
    try:
        module: Any = import_module(f"metrics.warehouse.destinations.{kind}")
    except ImportError as error:
        raise SettingsError(
            f"warehouse {name}: the driver of {facts.title} is not installed ({error.name}): install "
            f"`tidemark[{facts.extra}]`"
        ) from None
    if kind == "duckdb":
        opened: Destination = module.DuckDbDestination(Path(options["path"]))
        return opened
    url = Vault(settings.secret_keys).open(warehouse.get("sealed", b""), owner_of_url(name))["url"]
    connected: Destination = module.PostgresDestination(url, options.get("schema", "tidemark"))
    return connected
