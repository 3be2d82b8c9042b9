"""Gateway API in a cluster of a test: the CRDs as its own release has them, from the Go module proxy, known by hash.

    install(api)                    # the standard channel
    install(api, "experimental")

They are kept in the cache beside the programs of Kubernetes (tests/e2e/cluster/binaries.py), and never in the tree.
"""

import tempfile
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.e2e.cluster.binaries import cache
from tests.e2e.cluster.client import ApiClient, ApiError
from tests.e2e.cluster.toolchain import download
from tests.support.envoy import wait_until

VERSION = "v1.7.0"
SHA256 = "f9041f93ad3b2572089afa858ceac74e0545e7769490ae774039ed0f841f3d6d"
GROUP = "gateway.networking.k8s.io"
Channel = Literal["standard", "experimental"]

_CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
_READY = 60.0


def release() -> Path:
    """The folder `config/crd` of the release; ToolchainError where it cannot be had."""
    root = cache() / f"gateway-api-{VERSION}"
    if not root.exists():
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".gateway-api-", dir=root.parent) as work:
            archive = Path(work, "module.zip")
            download(f"sigs.k8s.io/gateway-api/@v/{VERSION}.zip", SHA256, archive, f"Gateway API {VERSION}")
            inside = f"sigs.k8s.io/gateway-api@{VERSION}/config/crd/"
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(work, [name for name in packed.namelist() if name.startswith(inside)])
            try:
                Path(work, inside).rename(root)
            except OSError:  # another one has fetched it meanwhile
                if not root.exists():
                    raise
    return root


def documents(channel: Channel = "standard") -> list[dict[str, Any]]:
    """What a channel installs, in its order: CRDs, and the policy that watches over them."""
    paths = sorted((release() / channel).glob("gateway.networking.*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def install(api: ApiClient, channel: Channel = "standard", *kinds: str) -> None:
    """Install a channel's CRDs, or those of these kinds alone, where they are not there; usable when this returns."""
    wanted = [
        each
        for each in documents(channel)
        if each["kind"] == "CustomResourceDefinition" and (not kinds or each["spec"]["names"]["kind"] in kinds)
    ]
    for each in wanted:
        status, answer = api.request("POST", _CRDS, each)
        if status not in (HTTPStatus.CREATED, HTTPStatus.CONFLICT):
            raise ApiError(status, answer.decode(errors="replace"))
    for each in wanted:
        spec = each["spec"]
        served = next(version["name"] for version in spec["versions"] if version["served"])
        path = f"/apis/{spec['group']}/{served}/{spec['names']['plural']}"
        wait_until(lambda path=path: api.request("GET", path)[0] == 200, _READY, what=f"{path} served")


def install_whole(api: ApiClient, channel: Channel = "standard") -> None:
    """A channel as people install it: by its files, with its policy."""
    api.kubectl("apply", "--server-side", *(f"--filename={path}" for path in _files(channel)))


def _files(channel: Channel) -> list[Path]:
    return sorted((release() / channel).glob("gateway.networking.*.yaml"))
