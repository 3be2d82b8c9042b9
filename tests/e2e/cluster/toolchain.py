"""A Go compiler: the machine's own where it is new enough, else one from the Go module proxy, known by its hash.

The Go project serves its releases as versions of the module `golang.org/toolchain`; this is how `go` itself gets
another version of itself, and it works wherever modules can be had (GOPROXY names another proxy).
"""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Release:
    """A release of Go. `least`: the oldest that does; `sha256`: of the toolchain's zip, by architecture."""

    version: str
    least: tuple[int, int, int]
    sha256: Mapping[str, str]


USUAL = Release(
    "1.26.8",
    (1, 26, 7),  # of the `go` lines in the modules' go.mod
    {
        "amd64": "30c2b1bf7dcc88d3eb0a1364e47ddd9128edb3110a30e8a0ef61cd5856b31de7",
        "arm64": "02b36b6787b3ac767668f630e2998df45a3b1f9ffee08d1bf3ef6487cd658d99",
    },
)
VERSION = USUAL.version
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_LONGEST = 120  # seconds that the proxy may be silent


class ToolchainError(RuntimeError):
    """There is no Go; the message says why."""


def go_command(cache: Path, say: Callable[[str], None], release: Release = USUAL) -> tuple[Path, Mapping[str, str]]:
    """Where `go` is, and the variables that it needs; ToolchainError when it can be neither found nor had."""
    own = shutil.which("go")
    if own and _version(own) >= release.least:
        return Path(own), {"GOTOOLCHAIN": "local"}
    architecture = _ARCHITECTURES.get(platform.machine())
    if architecture is None:
        raise ToolchainError(f"Go {release.version} or newer is missing, and none is known for {platform.machine()}")
    root = cache / f"go-{release.version}"
    if not (root / "bin/go").exists():
        cache.mkdir(parents=True, exist_ok=True)
        least = ".".join(map(str, release.least))
        say(f"no Go {least} or newer on this machine: fetching Go {release.version}, 70 MB, once")
        _fetch(release, architecture, root)
    return root / "bin/go", {"GOTOOLCHAIN": "local", "GOROOT": str(root)}


def _version(go: str) -> tuple[int, int, int]:
    """The version of a Go by its own word; an old one, when it has no word for it."""
    environ = {**os.environ, "GOTOOLCHAIN": "local"}
    done = subprocess.run((go, "env", "GOVERSION"), env=environ, capture_output=True, text=True, check=False)
    found = re.match(r"go(\d+)\.(\d+)(?:\.(\d+))?", done.stdout)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else (0, 0, 0)


def proxies(environ: Mapping[str, str]) -> Iterator[str]:
    """The module proxies that GOPROXY names, in order; `direct` and `off` are none."""
    for entry in re.split(r"[,|]", environ.get("GOPROXY") or "https://proxy.golang.org"):
        if entry.strip() not in {"", "direct", "off"}:
            yield entry.strip().rstrip("/")


def _fetch(release: Release, architecture: str, root: Path) -> None:
    """Make `root` hold the release. It appears whole; of two that fetch at once, the first wins."""
    version = f"v0.0.1-go{release.version}.linux-{architecture}"
    with tempfile.TemporaryDirectory(prefix=".go-", dir=root.parent) as work:
        archive = Path(work, "toolchain.zip")
        wanted = release.sha256[architecture]
        download(f"golang.org/toolchain/@v/{version}.zip", wanted, archive, f"Go {release.version}")
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(work)
        unpacked = Path(work, f"golang.org/toolchain@{version}")
        for folder in ("bin", f"pkg/tool/linux_{architecture}"):  # a module's zip knows no modes
            for program in (unpacked / folder).glob("*"):
                program.chmod(0o755)
        try:
            unpacked.rename(root)
        except OSError:
            if not (root / "bin/go").exists():
                raise


def download(path: str, sha256: str, target: Path, what: str) -> None:
    """Fetch a file of the module proxy that has this hash; ToolchainError about `what` where it cannot be had."""
    failures = []
    for proxy in proxies(os.environ):
        try:
            with urllib.request.urlopen(f"{proxy}/{path}", timeout=_LONGEST) as answer, target.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except (OSError, ValueError) as error:
            failures.append(f"{proxy}: {error.reason if isinstance(error, urllib.error.URLError) else error}")
            continue
        with target.open("rb") as file:
            got = hashlib.file_digest(file, "sha256").hexdigest()
        if got == sha256:
            return
        failures.append(f"{proxy}: its file has another hash than the one that is known ({got})")
    raise ToolchainError(f"{what} could not be fetched: {'; '.join(failures) or 'GOPROXY names no proxy'}")
