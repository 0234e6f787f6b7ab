"""Settings, from environment variables with the prefix `TIDEMARK_`, a `.env` file, or files of secrets."""

import json
import re
from datetime import date
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, SecretStr, UrlConstraints, ValidationError, ValidationInfo, create_model, field_validator
from pydantic_core import Url
from pydantic_settings import NoDecode, SettingsConfigDict
from pydantic_settings import SettingsError as SourceError

from metrics.clock import utcnow
from metrics.documents import Platform
from metrics.errors import SettingsError
from metrics.platforms.registry import FACTS
from metrics.secret_files import FOLDER, unreadable
from metrics.watch_settings import PostsPerDay, WatchSettings

PREFIX = "TIDEMARK_"

PLATFORM_APIS = tuple(api for facts in FACTS.values() for api in facts.apis)
"""The APIs with their own base URL: a platform may have several hosts."""

HttpUrl = Annotated[Url, UrlConstraints(allowed_schemes=["http", "https"])]
MongoUrl = Annotated[str, Field(pattern=r"^mongodb(\+srv)?://")]
RedisUrl = Annotated[str, Field(pattern=r"^((rediss?|unix)://|rediss?\+cluster://[^/,\s]+)")]
CallsPerDay = Annotated[int, Field(ge=100)]
"""At least what the account itself, its lists and its days take in 24 hours."""
CallsPerMinute = Annotated[int, Field(ge=1)]
UnitsPerDay = Annotated[int, Field(ge=0)]
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+")
_HERE = ("localhost", "127.0.0.1", "[::1]")
Executor = Literal["in_process", "multiprocess", "celery", "k8s"]
Port = Annotated[int, Field(ge=1, le=65535)]


def _platform_fields() -> dict[str, Any]:
    """Return the fields of the platforms: URLs, budgets, quotas, keys and tokens of the app, a login's app."""
    fields: dict[str, Any] = {}
    for facts in FACTS.values():
        for name, api in facts.apis.items():
            fields[f"{name}_url"] = (HttpUrl, Field(Url(api.url), description=api.description))
    for facts in FACTS.values():
        title = f"{facts.title}, {facts.billing}," if facts.billing else facts.title
        description = f"Distinct posts that are read from {title} per UTC day. Unset: no limit."
        fields[f"{facts.name}_posts_per_day"] = (PostsPerDay, Field(facts.posts_per_day, description=description))
    for facts in FACTS.values():
        if facts.calls_per_day is not None:
            description = f"Calls to {facts.api_title} that are made for one account within 24 hours."
            fields[f"{facts.name}_calls_per_day"] = (CallsPerDay, Field(facts.calls_per_day, description=description))
        if facts.calls_per_minute is not None:
            description = (
                f"Calls that the app may make to each endpoint of {facts.api_title} within any 60 seconds. "
                "Collection keeps a little below it."
            )
            fields[f"{facts.name}_calls_per_minute"] = (
                CallsPerMinute,
                Field(facts.calls_per_minute, description=description),
            )
        for name, quota in facts.quotas.items():
            description = f"{quota.calls} per day of {facts.quota_zone}, as {facts.title} granted the app."
            fields[f"{facts.name}_{name}_units_per_day"] = (UnitsPerDay, Field(quota.units, description=description))
        if facts.takes_api_key:
            description = (
                f"API key of the app for {facts.title}, with which public numbers are read. "
                "Unset: with the tokens of the accounts."
            )
            fields[f"{facts.name}_api_key"] = (SecretStr | None, Field(None, description=description))
        if facts.public_numbers is not None and facts.public_numbers.by_app:
            description = facts.public_numbers.by_app
            fields[f"{facts.name}_app_token"] = (SecretStr | None, Field(None, description=description))
    for facts in FACTS.values():
        for name, login in facts.logins.items():
            what = "connect {} accounts" if login is facts.login else "add the second grant of {} accounts"
            description = f"Id of the app with which people {what.format(facts.title)} in a browser."
            fields[f"{name}_client_id"] = (str | None, Field(None, description=description))
            description = f"Secret of that {facts.title} app."
            fields[f"{name}_client_secret"] = (SecretStr | None, Field(None, description=description))
    return fields


if TYPE_CHECKING:

    class _PlatformSettings(WatchSettings):
        """What a type checker knows of the fields that are made below."""

else:
    _PlatformSettings = create_model("_PlatformSettings", __base__=WatchSettings, **_platform_fields())


class Settings(_PlatformSettings):
    """All settings. `docs/settings.md` is generated from these fields."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        secrets_dir=FOLDER if FOLDER.is_dir() else None,
        extra="ignore",
        frozen=True,
        validate_default=True,
    )

    home: Path = Field(Path(".tidemark"), description="Folder of the embedded stack: data, logs, DAGSTER_HOME.")
    log_mb: int = Field(
        10,
        ge=1,
        le=10_000,
        description="Megabytes at which a log of `tidemark up` is rotated; three old files of each are kept.",
    )
    http_port: Port = Field(8000, description="Port of the HTTP API and the dashboard.")
    dagster_port: Port = Field(3000, description="Port of the Dagster UI.")
    simulator_port: Port = Field(8100, description="Port of the platform simulator under `tidemark up`.")

    mongo_url: MongoUrl | None = Field(None, description="MongoDB 6.0 or newer, a replica set. Unset: embedded.")
    mongo_db: str = Field("tidemark", min_length=1, description="Name of the database.")
    redis_url: RedisUrl | None = Field(
        None,
        description="Redis 6.2 or newer, or Valkey: `redis://host:6379/0`, or a cluster, "
        "`redis+cluster://host1:6379,host2:6379`. Unset: embedded.",
    )

    secret_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Fernet keys that seal credentials, newest first, separated by commas."
    )
    alert_urls: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Apprise URLs that alerts go to, separated by commas."
    )

    retention_days: int = Field(
        400, ge=1, le=20_000, description="Days that observations are kept. Rollups are kept longer."
    )
    first_day: date | None = Field(
        None,
        ge=date(2000, 1, 1),
        description="First UTC day of Dagster's partitions, as `2023-01-01`. Unset: hourly partitions begin with the "
        "year of the oldest kept observations, but at most five years ago; daily, weekly and monthly ones in 2024 at "
        "the latest.",
    )
    rollup_retention_days: int = Field(3650, ge=1, le=20_000, description="Days that rollups are kept.")

    export_url: str | None = Field(
        None,
        pattern=r"^[a-z0-9+]+://",
        description="Folder that `export_parquet` writes to, as a URL: `file:///var/lib/tidemark/exports`, "
        "`s3://bucket/folder`. Unset: no exports.",
    )
    export_options: SecretStr | None = Field(
        None, description="Options of that storage (`fsspec`), such as keys and secrets, as a JSON object."
    )
    store_post_content: bool = Field(
        True,
        description="Store the beginning of each post's caption, its link and its thumbnail's URL. If off, they are "
        "neither stored nor shown, and the next hourly collection removes those that are stored.",
    )
    run_history_days: int = Field(
        60, ge=7, le=20_000, description="Days that Dagster keeps runs; partitions stay materialised."
    )

    proxy: SecretStr | None = Field(
        None,
        description="Proxy for calls to other hosts: `http://user:password@host:3128`, or `none`. Unset: `HTTPS_PROXY` "
        "and `HTTP_PROXY`. `NO_PROXY` names hosts that are reached directly; this machine always is.",
    )
    ca_bundle: Path | None = Field(
        None,
        description="PEM file of the trusted certificate authorities, in place of those of the system. Unset: "
        "`REQUESTS_CA_BUNDLE` or `SSL_CERT_FILE`.",
    )

    automation: bool = Field(
        False,
        description="Schedules and sensors are on from the start. If off, nothing is collected until they are switched "
        "on in Dagster's UI. `tidemark up` and the deployments set it.",
    )
    executor: Executor = Field(
        "in_process",
        description="How Dagster executes the steps of runs: `in_process`, `multiprocess`, `celery` or `k8s`.",
    )
    celery_url: RedisUrl | None = Field(
        None, description="Redis (not a cluster) that is the broker of Celery workers. Unset: `TIDEMARK_REDIS_URL`."
    )
    collect_shards: int = Field(
        1,
        ge=1,
        le=1024,
        description="Steps into which the collection of a platform's hour is split; more than 1 for several workers.",
    )
    history_posts_days: int = Field(
        365,
        ge=0,
        le=20_000,
        description="A new account's posts of this many days before its connection are read. 0: none.",
    )
    collect_grace_minutes: int = Field(
        60, ge=0, description="Minutes after the end of an hour in which current levels still count for it."
    )
    collect_concurrency: int = Field(10, ge=1, description="Concurrent calls per platform and worker.")

    cache_ttl_metrics: int = Field(300, ge=1, description="Seconds that answers with observations are cached.")
    cache_ttl_aggregated: int = Field(3600, ge=1, description="Seconds that answers with rollups are cached.")
    cache_hot_mb: int = Field(
        32, ge=0, le=4096, description="Megabytes of cached answers that a serving process also keeps in its memory."
    )
    streams_per_key: int = Field(
        10_000, ge=1, description="Open streams per key and serving process; a further one is answered with 429."
    )
    connections_per_address: int = Field(
        10_000,
        ge=1,
        description="Open connections of one address to a serving process; further ones are cut. Lower it "
        "where clients connect without a proxy in between.",
    )
    connections_max: int = Field(
        20_000, ge=1, description="Open connections to a serving process; further ones are cut."
    )
    queued_operations: int = Field(
        200,
        ge=1,
        description="Queued operations per workspace, such as collections that were requested over HTTP; a further one "
        "is answered with 429.",
    )
    events_max: int = Field(100_000, ge=1000, description="Events kept per workspace for resuming streams.")
    events_days: int = Field(7, ge=1, le=20_000, description="Days that events are kept for resuming streams.")

    connect_url: HttpUrl | None = Field(
        None,
        description="Public base URL of serving, as `https://tidemark.example.com`. Platforms send people back to "
        "`<this URL>/connect/<platform>/callback` after they consented. Unset: nobody connects accounts in a browser. "
        "Messages about anomalies link to it.",
    )

    rate_limit: int = Field(60_000, ge=0, description="Requests per minute and key, over all processes. 0: no limit.")
    jwt_keys: str | None = Field(None, min_length=1, description="URL or file of a JSON Web Key Set. Unset: no JWTs.")
    jwt_issuer: str | None = Field(None, min_length=1, description="The `iss` that a JWT must have.")
    jwt_audience: str | None = Field(None, min_length=1, description="The `aud` that a JWT must have.")
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose pages may call the API, separated by commas. Unset: none."
    )
    behind_tls: bool = Field(False, description="Clients reach serving over TLS only: answers carry the HSTS header.")
    prometheus_host: str = Field(
        "127.0.0.1", min_length=1, description="Address on which Prometheus' `/metrics` is served."
    )
    prometheus_port: Port | None = Field(
        None, description="Port on which Prometheus' `/metrics` is served. Unset: not served."
    )

    @field_validator("secret_keys", "alert_urls", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part for text in value.split(",") if (part := text.strip()))

    @field_validator("ca_bundle", mode="before")
    @classmethod
    def _none_if_empty(cls, value: object) -> object:
        # An empty variable counts as unset; as a path it would be the current folder.
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("export_options")
    @classmethod
    def _object(cls, options: SecretStr | None) -> SecretStr | None:
        try:
            is_object = options is None or isinstance(json.loads(options.get_secret_value()), dict)
        except ValueError:
            is_object = False
        if not is_object:
            raise ValueError("must be a JSON object")
        return options

    @field_validator("first_day")
    @classmethod
    def _check_first_day(cls, day: date | None) -> date | None:
        if day is not None and day > utcnow().date():
            raise ValueError("must not be in the future")
        return day

    @field_validator("secret_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        from cryptography.fernet import Fernet  # Slow to import, and few processes need it.

        for key in keys:
            try:
                Fernet(key.get_secret_value())
            except ValueError:
                raise ValueError("each must be a Fernet key: 32 bytes in URL-safe base64") from None
        return keys

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if any(not _ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError("each must be an origin like https://app.example.com, without a path")
        return origins

    @field_validator("connect_url")
    @classmethod
    def _check_connect_url(cls, url: Url | None) -> Url | None:
        if url is not None and (url.query or url.fragment or url.username or url.password):
            raise ValueError("must have neither a query, nor a fragment, nor a user")
        if url is not None and url.scheme != "https" and url.host not in _HERE:
            raise ValueError("must begin with https://, except on this machine (http://localhost)")
        return url

    @field_validator("jwt_issuer", "jwt_audience")
    @classmethod
    def _check_jwt(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("jwt_keys") is not None:
            raise ValueError("must be set if TIDEMARK_JWT_KEYS is: a token must be for this API")
        return value

    def platform_url(self, platform: str) -> str:
        """Return the base URL of a platform's API, or of `instagram_login`, without a trailing slash."""
        return str(getattr(self, f"{platform}_url")).rstrip("/")

    def posts_per_day(self, platform: str) -> int | None:
        """Return a platform's budget of distinct posts per UTC day, or None if there is no limit."""
        budget: int | None = getattr(self, f"{platform}_posts_per_day")
        return budget

    def units_per_day(self, platform: Platform) -> dict[str, int]:
        """Return a platform's daily quotas of calls, in units by the name of the quota; empty if it has none."""
        return {name: getattr(self, f"{platform}_{name}_units_per_day") for name in FACTS[platform].quotas}

    def api_key(self, platform: Platform) -> SecretStr | None:
        """Return the API key of the app for a platform, or None if it is unset or the platform takes none."""
        key: SecretStr | None = getattr(self, f"{platform}_api_key") if FACTS[platform].takes_api_key else None
        return key if key is not None and key.get_secret_value() else None

    def app_token(self, platform: Platform) -> SecretStr | None:
        """Return the app's token for the numbers of others, or None if it is unset or the platform takes none."""
        token: SecretStr | None = getattr(self, f"{platform}_app_token", None)
        return token if token is not None and token.get_secret_value() else None

    def login_app(self, name: str) -> tuple[str, SecretStr] | None:
        """Return id and secret of the app of a login, or None if one of them is unset or there is no such login.

        `name` is the platform's, or that of its second login in `PlatformFacts.logins`.
        """
        client_id: str | None = getattr(self, f"{name}_client_id", None)
        secret: SecretStr | None = getattr(self, f"{name}_client_secret", None)
        return (client_id, secret) if client_id and secret is not None and secret.get_secret_value() else None

    def calls_per_day(self, platform: str) -> int | None:
        """Return the budget of calls for each account of a platform within 24 hours, or None if there is no limit."""
        budget: int | None = getattr(self, f"{platform}_calls_per_day", None)
        return budget

    def calls_per_minute(self, platform: Platform) -> int | None:
        """Return how many calls the app may make to each endpoint of a platform per minute, or None for no limit."""
        limit: int | None = getattr(self, f"{platform}_calls_per_minute", None)
        return limit


def load_settings(**overrides: object) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a value is wrong, or `.env` or a file in the folder of secrets cannot be read. The message names
            the variable or the file, and the problem, but not the value, which may be a secret.
    """
    from metrics.network import Network  # Slow to import (ssl), and most commands need it only here.

    try:
        loaded = Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = PREFIX + str(first["loc"][0]).upper()
        raise SettingsError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    except (OSError, SourceError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise SettingsError(str(error)) from None
        raise unreadable(cause.filename, cause) from None
    Network.of(loaded)
    return loaded


@cache
def settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()
