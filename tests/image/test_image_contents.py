"""What is inside the image: all to run it, nothing to build with, nothing of the machine that built it."""

import re
import struct
import subprocess
from collections.abc import Iterator
from importlib.util import cache_from_source
from pathlib import Path

import pytest

from tests.image.containers import TREE, Engine, find

pytestmark = [pytest.mark.image, pytest.mark.timeout(900)]

SITE = "app/.venv/lib"


@pytest.fixture(scope="module")
def root(engine: Engine, image: str) -> Iterator[Path]:
    with engine.files(image) as found:
        yield found


def test_no_compiler_and_no_installer(root: Path) -> None:
    tools = re.compile(
        r"(.*-)?(gcc|g\+\+|cc|c\+\+|clang|cpp|ld|as|make|cmake|go|rustc|pip|pip3|easy_install)(-?[0-9.]+)?"
    )
    programs = find(
        root, lambda path: tools.fullmatch(path.name) is not None, ("usr/bin", "usr/local/bin", "app/.venv/bin")
    )
    assert programs == []
    assert find(root, lambda path: path.suffix == ".whl" or path.parent.name in {"pip", "ensurepip"}) == []


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
        ".venv", "adsserver", "cli", "conversion", "diagnostics", "entrypoint", "envoy", "envoyapi", "kubeapi",
        "process", "reporter", "requirements", "scripts", "snapshot", "translator", "watcher", "webhook",
    }  # fmt: skip


def test_all_bytecode_is_there_and_not_compared_with_its_source(root: Path) -> None:
    sources = [root / name.lstrip("/") for name in find(root, lambda path: path.suffix == ".py", ("app",))]
    assert sources
    for source in sources:
        made = Path(_bytecode(root, source))
        assert made.exists(), source
        flags = struct.unpack("<I", made.read_bytes()[4:8])[0]
        assert flags == 1, source  # PEP 552: checked by hash (bit 0) and not at every import (bit 1 clear)


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


def test_it_stays_small(engine: Engine, image: str) -> None:
    assert engine.inspect("image", image)["Size"] < 400_000_000  # 340 MB when written; Envoy alone is 107


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
