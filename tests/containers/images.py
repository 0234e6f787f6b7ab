"""Images: stand-ins for the official ones, and Tidemark's own from the Dockerfile."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.containers.engine import Engine
from tests.test_deploy import ROOT
from tidemark.stack import locate

SUITE = "bookworm"
PACKAGES = (
    "ca-certificates,libcap2-bin,wget,redis-server,postgresql-15,libffi8,libsqlite3-0,libbz2-1.0,liblzma5,libncursesw6,"
    "libreadline8,libssl3,zlib1g,libuuid1,libexpat1,libcurl4"
)
"""The programs of the stand-ins, and the libraries that CPython is linked with."""
STANDINS = {
    "python": "python:3.12-slim", "mongo": "mongo:7", "redis": "redis:7-alpine", "postgres": "postgres:16-alpine",
    "caddy": "caddy:2-alpine",
}  # fmt: skip
MONGOSH = "mongosh@2.12.0"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")


def run(command: list[str], **options: object) -> None:
    """Run a command, and end the program with its output if it fails."""
    ran = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")


def gather(folder: Path) -> Path:
    """Gather what the stand-ins are made from into a folder for the builder; return the folder."""
    context = folder / "standins"
    shutil.copytree(Path(__file__).parent / "standins", context, dirs_exist_ok=True)
    shutil.copy(CERTIFICATES, context / "python" / "certificates.crt")
    if not (folder / "rootfs" / "complete").exists():
        run(["debootstrap", "--variant=minbase", f"--include={PACKAGES}", SUITE, str(folder / "rootfs")])
        (folder / "rootfs" / "complete").touch()
    _python(context / "python")
    _mongo(folder, context / "mongo")
    shutil.copy(ROOT / ".venv" / "deployment" / "bin" / "caddy", context / "caddy")
    return context


def _python(context: Path) -> None:
    """Copy a CPython 3.12 of this machine, which uv finds, into the context of the image."""
    if (context / "python").exists():
        return
    prefix = _prefix_of_python()
    ignored = shutil.ignore_patterns("test", "__pycache__", "*.a", "site-packages", "share")
    shutil.copytree(prefix, context / "python", symlinks=True, ignore=ignored)
    site = next((prefix / "lib").glob("python3.12")) / "site-packages"
    for package in site.glob("pip*"):
        shutil.copytree(package, context / "python" / "lib" / "python3.12" / "site-packages" / package.name)


def _prefix_of_python() -> Path:
    """Return the folder of a CPython 3.12: the one of `CONTAINERS_PYTHON`, or one that uv finds."""
    uv = Path(sys.executable).with_name("uv")
    wanted = os.environ.get("CONTAINERS_PYTHON", "3.12")
    ran = subprocess.run([uv, "python", "find", "--no-project", wanted], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(
            "missing: a CPython 3.12 from which the image python:3.12-slim is made. Set CONTAINERS_PYTHON to the path "
            f"of its bin/python3.12; {uv.name} says: {ran.stderr.strip().splitlines()[0]}"
        )
    return Path(ran.stdout.strip()).resolve().parents[1]


def _mongo(folder: Path, context: Path) -> None:
    """Copy mongod with the libraries that it needs, Node, and mongosh."""
    if (context / "mongosh").exists():
        return
    server = locate.mongod(folder)
    (context / "mongo" / "lib").mkdir(parents=True, exist_ok=True)
    shutil.copy(server.program, context / "mongo" / "mongod")
    for library in Path(server.environment.get("LD_LIBRARY_PATH", "/nowhere")).glob("*"):
        shutil.copy(library.resolve(), context / "mongo" / "lib" / library.name)
    node = shutil.which("node")
    if node is None:
        raise SystemExit("node and npm are missing: mongosh needs them")
    shutil.copy(Path(node).resolve(), context / "node")
    target = folder / "mongosh"
    run(["npm", "install", "--prefix", str(target), MONGOSH, "--silent", "--no-audit", "--no-fund", "--ignore-scripts"])
    shutil.copytree(target, context / "mongosh", symlinks=True)


def build_standins(engine: Engine, context: Path) -> None:
    """Build the stand-ins under the names of the official images, unless the engine has them."""
    environment = engine.environment({})
    inspected = engine.docker("image", "inspect", "standin-base")
    if subprocess.run(inspected, env=environment, capture_output=True, check=False).returncode:
        load = " ".join(engine.docker("import", "-", "standin-base"))
        run(["sh", "-c", f"tar -C {context.parent / 'rootfs'} --one-file-system -c . | {load}"], env=environment)
    for folder, name in STANDINS.items():
        run(engine.docker("build", "--network", "host", "-t", name, str(context / folder)), env=environment)


def build_tidemark(engine: Engine, tag: str) -> None:
    """Build Tidemark's image from the Dockerfile as it is."""
    run(engine.docker("build", "--network", "host", "-t", tag, str(ROOT)), env=engine.environment({}))


def build_next(engine: Engine, tag: str, following: str) -> None:
    """Build an image of a following version: the same programs with another label."""
    script = f"FROM {tag}\nLABEL version=next\n"
    run(engine.docker("build", "-t", following, "-"), env=engine.environment({}), input=script)
