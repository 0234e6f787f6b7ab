"""The command `tidemark env`: prints the environment variables for working with the running stack."""

import shlex
from typing import Annotated

import typer

from metrics import clock
from metrics.errors import SettingsError
from metrics.platforms.registry import FACTS
from metrics.settings import PLATFORM_APIS, PREFIX, Settings
from tidemark.commands.console import print_exact, print_json
from tidemark.commands.stores import effective_settings
from tidemark.home import Home

_URLS = [f"{api}_url" for api in PLATFORM_APIS]


def _logins(settings: Settings) -> dict[str, str]:
    """Return the variables with which people connect accounts in a browser: serving's URL, and the apps."""
    found = {f"{PREFIX}CONNECT_URL": str(settings.connect_url)} if settings.connect_url else {}
    for platform in FACTS:
        if (app := settings.login_app(platform)) is not None:
            found[f"{PREFIX}{platform.upper()}_CLIENT_ID"] = app[0]
            found[f"{PREFIX}{platform.upper()}_CLIENT_SECRET"] = app[1].get_secret_value()
    return found


def env(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Print the variables of the running stack, for a shell to evaluate.

    URL and KEY are for curl; with the others, dagster and tidemark work on the stack from any folder.
    """
    settings = effective_settings()
    home = Home(settings.home.resolve())
    up = home.running()
    if up is None:
        raise SettingsError(f"no stack runs in {home.path}: start `tidemark up`")
    variables = {
        "URL": up["http"],
        "KEY": up["key"],
        f"{PREFIX}HOME": str(home.path),
        f"{PREFIX}MONGO_URL": str(settings.mongo_url),
        f"{PREFIX}MONGO_DB": settings.mongo_db,
        f"{PREFIX}REDIS_URL": str(settings.redis_url),
        f"{PREFIX}SECRET_KEYS": ",".join(key.get_secret_value() for key in settings.secret_keys),
        **{f"{PREFIX}{name.upper()}": str(getattr(settings, name)) for name in _URLS},
        **_logins(settings),
        "DAGSTER_HOME": str(home.dagster),
        clock.VARIABLE: up.get("clock", "0"),
    }
    if as_json:
        print_json(variables)
        return
    for name, value in variables.items():
        print_exact(f"export {name}={shlex.quote(value)}")
