"""The vault: any key opens credentials, the newest key seals them, and nothing shows them."""

import pytest
from pydantic import SecretStr

from metrics.errors import CredentialError, SettingsError
from metrics.vault import Vault, generate_secret_key

OLD, NEW = SecretStr(generate_secret_key()), SecretStr(generate_secret_key())


def test_sealed_credentials_open_again() -> None:
    vault = Vault([NEW])
    sealed = vault.seal({"access_token": "t0ken"})
    assert b"t0ken" not in sealed
    assert vault.open(sealed) == {"access_token": "t0ken"}


def test_rotation_leaves_the_old_key_unneeded() -> None:
    sealed = Vault([OLD]).seal({"access_token": "t"})
    assert Vault([NEW]).open(Vault([NEW, OLD]).rotate(sealed)) == {"access_token": "t"}


def test_unknown_key_is_one_line_that_names_the_setting() -> None:
    with pytest.raises(CredentialError, match="TIDEMARK_SECRET_KEYS"):
        Vault([NEW]).open(Vault([OLD]).seal({}))


def test_no_key_is_refused_at_the_start() -> None:
    with pytest.raises(SettingsError, match="TIDEMARK_SECRET_KEYS"):
        Vault([])
