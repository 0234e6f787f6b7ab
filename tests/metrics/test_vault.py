"""The vault: any key opens credentials, the newest key seals them, and they open only for their account."""

import orjson
import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from metrics.errors import CredentialError, SettingsError
from metrics.vault import Vault, generate_secret_key

OLD, NEW = SecretStr(generate_secret_key()), SecretStr(generate_secret_key())


def sealed_by_version_0_1(credentials: dict[str, str]) -> bytes:
    return Fernet(OLD.get_secret_value()).encrypt(orjson.dumps(credentials))


def test_sealed_credentials_open_again() -> None:
    vault = Vault([NEW])
    sealed = vault.seal({"access_token": "t0ken"}, "a")
    assert b"t0ken" not in sealed
    assert vault.open(sealed, "a") == {"access_token": "t0ken"}
    assert vault.is_bound(sealed, "a")


def test_credentials_of_another_account_are_refused_by_every_method() -> None:
    vault = Vault([NEW])
    sealed = vault.seal({"access_token": "t0ken"}, "a")
    for method in (vault.open, vault.is_bound, vault.reseal):
        with pytest.raises(CredentialError, match="another account"):
            method(sealed, "b")


def test_rotation_leaves_the_old_key_unneeded() -> None:
    sealed = Vault([OLD]).seal({"access_token": "t"}, "a")
    assert Vault([NEW]).open(Vault([NEW, OLD]).reseal(sealed, "a"), "a") == {"access_token": "t"}


def test_credentials_of_version_0_1_open_and_are_bound_by_sealing_again() -> None:
    vault, sealed = Vault([NEW, OLD]), sealed_by_version_0_1({"access_token": "t"})
    assert (vault.open(sealed, "a"), vault.is_bound(sealed, "a")) == ({"access_token": "t"}, False)
    bound = vault.reseal(sealed, "a")
    assert vault.open(bound, "a") == {"access_token": "t"}
    with pytest.raises(CredentialError, match="another account"):
        vault.open(bound, "b")


def test_unknown_key_is_one_line_that_names_the_setting() -> None:
    with pytest.raises(CredentialError, match="TIDEMARK_SECRET_KEYS"):
        Vault([NEW]).open(Vault([OLD]).seal({}, "a"), "a")


def test_no_key_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="TIDEMARK_SECRET_KEYS"):
        Vault([])
