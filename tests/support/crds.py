"""CRDs of others, as their own releases have them: from the Go module proxy, known by hash, and never in the tree.

They are kept in the cache beside the programs of Kubernetes (tests/e2e/cluster/binaries.py).
"""

import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.e2e.cluster.binaries import cache
from tests.e2e.cluster.client import ApiClient, ApiError
from tests.e2e.cluster.toolchain import download
from tests.support.envoy import wait_until

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_READY = 60.0


@dataclass(frozen=True, slots=True)
class Release:
    """A version of a Go module, and the folder in it that has the CRDs."""

    name: str
    module: str
    version: str
    sha256: str
    inside: str

    def folder(self) -> Path:
        """Where that folder is; ToolchainError where it cannot be had."""
        root = cache() / f"{self.name}-{self.version}"
        if not root.exists():
            root.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=f".{self.name}-", dir=root.parent) as work:
                archive = Path(work, "module.zip")
                what = f"{self.name} {self.version}"
                download(f"{self.module}/@v/{self.version}.zip", self.sha256, archive, what)
                inside = f"{self.module}@{self.version}/{self.inside}/"
                with zipfile.ZipFile(archive) as packed:
                    packed.extractall(work, [name for name in packed.namelist() if name.startswith(inside)])
                try:
                    Path(work, inside).rename(root)
                except OSError:  # another one has fetched it meanwhile
                    if not root.exists():
                        raise
        return root


def install(api: ApiClient, definitions: Iterable[Mapping[str, Any]]) -> None:
    """Install these CRDs where they are not there; usable when this returns."""
    wanted = list(definitions)
    for each in wanted:
        status, answer = api.request("POST", _CRDS, each)
        if status not in (HTTPStatus.CREATED, HTTPStatus.CONFLICT):
            raise ApiError(status, answer.decode(errors="replace"))
    for each in wanted:
        spec = each["spec"]
        served = next(version["name"] for version in spec["versions"] if version["served"])
        path = f"/apis/{spec['group']}/{served}/{spec['names']['plural']}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, _READY, what=f"{path} served")
