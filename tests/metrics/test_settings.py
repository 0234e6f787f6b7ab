"""A wrong setting stops the start with one line that names the variable and does not show the value."""

import pytest
from cryptography.fernet import Fernet

from metrics.errors import SettingsError
from metrics.settings import Settings, load_settings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TIDEMARK_HTTP_PORT", "70000"),
        ("TIDEMARK_MONGO_URL", "http://elsewhere"),
        ("TIDEMARK_REDIS_URL", "localhost:6379"),
        ("TIDEMARK_INSTAGRAM_URL", "graph.facebook.com"),
        ("TIDEMARK_RETENTION_DAYS", "0"),
        ("TIDEMARK_FIRST_DAY", "2199-01-01"),
        ("TIDEMARK_FIRST_DAY", "1999-12-31"),
        ("TIDEMARK_FIRST_DAY", "monday"),
        ("TIDEMARK_SECRET_KEYS", "s3cr3t-and-short"),
    ],
)
def test_wrong_value_is_named_and_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as caught:
        load_settings(_env_file=None)
    message = str(caught.value)
    assert message.startswith(f"{variable}: ")
    assert "\n" not in message
    assert value not in message


def test_several_secret_keys_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    monkeypatch.setenv("TIDEMARK_SECRET_KEYS", ",".join(keys))
    loaded = load_settings(_env_file=None)
    assert [key.get_secret_value() for key in loaded.secret_keys] == keys
    assert keys[0] not in repr(loaded)


@pytest.mark.parametrize("text", ["https://a.example, https://b.example", " https://a.example ,,\thttps://b.example, "])
def test_lists_take_blanks(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TIDEMARK_CORS_ORIGINS", text)
    assert load_settings(_env_file=None).cors_origins == ("https://a.example", "https://b.example")


def test_platforms_are_the_real_ones_by_default() -> None:
    assert Settings(_env_file=None).platform_url("instagram") == "https://graph.facebook.com"
