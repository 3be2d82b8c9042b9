"""What is inside the image: all to run it, nothing to build with, nothing of the machine that built it."""

import re
import struct
import subprocess
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.image import weigh
from tests.image.containers import TREE, Container, Engine, find

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

SITE = "app/.venv/lib"

MOST = 262_000_000
"""Bytes that the image may have, as engines count it (with the archives' own headers); 257.6 million when written."""

IMPORT_ALL = """
import importlib, pathlib, pkgutil

for package in sorted(path.parent for path in pathlib.Path("/app").glob("*/__init__.py")):
    for module in pkgutil.walk_packages([str(package)], f"{package.name}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
            print(module.name)
"""
LOAD_ALL = """
import ctypes, pathlib

for library in pathlib.Path("/app/.venv").resolve().rglob("*.so*"):
    ctypes.CDLL(str(library))
    print(library.name)
"""
LINK_ALL = r"find / -xdev -type f \( -name '*.so' -o -name '*.so.*' -o -perm -100 \) -exec ldd {} + 2>/dev/null; true"


@pytest.fixture(scope="module")
def root(engine: Engine, image: str) -> Iterator[Path]:
    with engine.files(image) as found:
        yield found


@pytest.fixture(scope="module")
def idle(engine: Engine, image: str) -> Iterator[Container]:
    """A container that does nothing but what it is told, with the quickstart's folder."""
    options = ("--entrypoint", '["sleep", "infinity"]', "--volume", f"{TREE}/examples/quickstart:/quickstart:ro")
    with engine.run(image, *options) as container:
        yield container


def test_no_compiler_and_no_installer(root: Path) -> None:
    tools = re.compile(
        r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|cpp|ld|as|make|cmake|go|rustc|pip|pip3|easy_install)(-?[0-9.]+)?"
    )
    programs = find(
        root, lambda path: tools.fullmatch(path.name) is not None, ("usr/bin", "usr/local/bin", "app/.venv/bin")
    )
    assert programs == []
    assert find(root, lambda path: path.suffix == ".whl" or path.parent.name in {"pip", "ensurepip"}) == []


def test_no_package_manager_and_nothing_that_only_it_needs(root: Path) -> None:
    names = {"apt", "apt-get", "perl", "strip", "su", "login", "passwd", "mount"}
    assert find(root, lambda path: path.name in names, ("usr/bin", "usr/sbin", "usr/local/bin")) == []


def test_no_apt_lists_and_no_caches(root: Path) -> None:
    caches = ("var/lib/apt/lists", "var/cache/apt", "root", "tmp", "var/tmp")
    assert find(root, lambda path: path.name not in {".bashrc", ".profile"}, caches) == []


def test_nothing_of_the_machine_that_built_it(root: Path) -> None:
    for name in (
        "etc/pip.conf",
        "etc/resolv.conf",
        "etc/hostname",
        "etc/apt/sources.list",
        "run/secrets/certificates.pem",
    ):
        file = root / name
        assert not file.exists() or file.read_bytes() == b"", name


def test_no_program_runs_as_another_than_its_caller(root: Path) -> None:
    assert find(root, lambda path: not path.is_symlink() and path.stat().st_mode & 0o6000 != 0) == []


def test_any_user_can_read_the_app_and_none_can_write_it(root: Path) -> None:
    def wrong(path: Path) -> bool:
        mode = path.lstat().st_mode
        return not path.is_symlink() and (mode & 0o004 == 0 or mode & 0o022 != 0)

    assert find(root, wrong, ("app",)) == []


def test_the_app_is_the_app_and_nothing_else(root: Path) -> None:
    assert {path.name for path in (root / "app").iterdir()} == {
        ".venv", "adsserver", "cli", "conversion", "convert", "crds", "diagnostics", "diff", "entrypoint", "envoy",
        "envoyapi", "kubeapi", "lint", "process", "reporter", "requirements", "scripts", "snapshot", "translator",
        "watcher", "webhook", "why",
    }  # fmt: skip


def test_the_page_has_its_templates_and_files(root: Path) -> None:
    for folder in ("templates", "static"):
        place = f"diagnostics/ui/{folder}"
        assert {path.name for path in (root / "app" / place).iterdir()} == {
            path.name for path in (TREE / place).iterdir()
        }


def test_all_bytecode_is_there_and_not_compared_with_its_source(root: Path) -> None:
    below = ("app", "usr/lib", "usr/local/lib")
    sources = [root / name.lstrip("/") for name in find(root, lambda path: path.suffix == ".py", below)]
    assert sources
    for source in sources:
        made = Path(_bytecode(root, source))
        assert made.exists() or source.is_relative_to(root / "usr/lib/python3"), source
    for name in find(root, lambda path: path.suffix == ".pyc", below):
        flags = struct.unpack("<I", (root / name.lstrip("/")).read_bytes()[4:8])[0]
        assert flags == 1, name  # PEP 552: checked by hash (bit 0) and not at every import (bit 1 clear)


def _bytecode(root: Path, source: Path) -> str:
    """The bytecode's path, for the image's Python, which need not be the tests' own."""
    (version,) = (path.name.removeprefix("python3.") for path in (root / SITE).glob("python3.*"))
    tag = f"cpython-3{version}"
    return re.sub(r"cpython-\d+", tag, cache_from_source(str(source)))


def test_it_says_what_it_is(engine: Engine, image: str) -> None:
    config = engine.inspect("image", image)["Config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert labels["title"] == "Dragoman"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["version"])
    assert labels["revision"] == "unknown" or _git("merge-base", "--is-ancestor", labels["revision"], "HEAD")
    assert (labels["revision"] == "unknown") is not _git("rev-parse", "HEAD")
    assert config["User"] == "8888"
    assert set(config["ExposedPorts"]) == {"8080/tcp", "8443/tcp", "8877/tcp"}
    assert "Volumes" not in config


def test_it_stays_small(engine: Engine, image: str, root: Path) -> None:
    """Told with what differs from the table in docs/image.md: that is what grew, or is new."""
    size = engine.inspect("image", image)["Size"]
    documented, found = _documented(), weigh.parts(weigh.weigh(root))
    grown = {
        path: f"{documented.get(path, 0) / 1e6:.1f} -> {found.get(path, 0) / 1e6:.1f} MB"
        for path in sorted({*documented, *found})
        if abs(documented.get(path, 0) - found.get(path, 0)) > 100_000
    }
    assert size <= MOST, f"{size / 1e6:.1f} MB; since the table in docs/image.md: {grown}"
    assert sum(documented.values()) == pytest.approx(sum(found.values()), rel=0.02), f"the table is old: {grown}"


def _documented() -> dict[str, int]:
    """The table in docs/image.md: bytes by path."""
    rows = re.findall(r"(?m)^\| `(/\S*)` \| ([\d.]+) \|", (TREE / "docs/image.md").read_text())
    assert rows
    return {path: round(float(size) * 1e6) for path, size in rows}


def test_all_of_the_app_can_be_imported(idle: Container) -> None:
    """So nothing was taken away that it imports, whatever it is asked to do later."""
    imported = idle.output("python", "-c", IMPORT_ALL).split()
    packages = {path.parent.name for path in TREE.glob("*/__init__.py")} - {"tests", "deploy", "docsite", "monitoring"}
    assert {name.partition(".")[0] for name in imported} >= packages


def test_all_libraries_can_be_loaded(idle: Container) -> None:
    """Those that were stripped, and what all programs and libraries that are left are linked with."""
    assert len(idle.output("python", "-c", LOAD_ALL).split()) > 15
    linked = idle.output("sh", "-c", LINK_ALL, options=("--user", "0")).splitlines()
    assert sum(line.startswith("/") and line.endswith(":") for line in linked) > 100
    assert [line for line in linked if "not found" in line] == []


def test_envoys_schema_is_there(idle: Container) -> None:
    """The command reads it, and nothing that serves does."""
    assert "type.googleapis.com/envoy." in idle.output("dragoman", "translate", "--folder", "/quickstart")


def test_the_list_of_packages_is_true(root: Path) -> None:
    """Scanners read it. What it names is there, with its licence; what was taken away is not named."""
    packages = re.findall(r"(?m)^Package: (\S+)\nStatus: (.*)$", (root / "var/lib/dpkg/status").read_text())
    assert {state for _, state in packages} == {"install ok installed"}
    names = {name for name, _ in packages}
    assert {"libc6", "ca-certificates", "tzdata"} <= names
    assert not names & {"apt", "perl-base", "binutils", "util-linux", "passwd"}
    assert [name for name in sorted(names) if not (root / f"usr/share/doc/{name}/copyright").exists()] == []


def test_the_licences_of_the_python_packages_are_there(root: Path) -> None:
    told = list((root / SITE).glob("python3.*/site-packages/*.dist-info/METADATA"))
    assert len(told) > 30
    for metadata in told:
        for licence in re.findall(r"(?m)^License-File: (.*)$", metadata.read_text()):
            assert any((metadata.parent / folder / licence).exists() for folder in ("", "licenses")), metadata


def _git(*arguments: str) -> bool:
    """Whether a git command succeeds in the tree; there may be no git, and no repository."""
    try:
        return subprocess.run(("git", *arguments), cwd=TREE, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def test_the_python_is_the_one_that_the_default_base_has(root: Path) -> None:
    """What is tested is then what people get by `docker build`."""
    (default,) = re.findall(r"(?m)^ARG PYTHON_IMAGE=\S*python:(3\.\d+)", (TREE / "Dockerfile").read_text())
    found = [path.name for path in (root / SITE).glob("python3.*")]
    assert found == [f"python{default}"]
