"""Gateway API in a cluster of a test: the CRDs as its own release has them, from the Go module proxy, known by hash.

install(api)                    # the standard channel
install(api, "experimental")
"""

from pathlib import Path
from typing import Any, Literal

import yaml

from tests.e2e.cluster.client import ApiClient
from tests.support.crds import Release
from tests.support.crds import install as install_definitions

VERSION = "v1.7.0"
GROUP = "gateway.networking.k8s.io"
Channel = Literal["standard", "experimental"]

_RELEASE = Release(
    "gateway-api",
    "sigs.k8s.io/gateway-api",
    VERSION,
    "f9041f93ad3b2572089afa858ceac74e0545e7769490ae774039ed0f841f3d6d",
    "config/crd",
)


def release() -> Path:
    """The folder `config/crd` of the release; ToolchainError where it cannot be had."""
    return _RELEASE.folder()


def documents(channel: Channel = "standard") -> list[dict[str, Any]]:
    """What a channel installs, in its order: CRDs, and the policy that watches over them."""
    paths = sorted((release() / channel).glob("gateway.networking.*.yaml"))
    return [document for path in paths for document in yaml.safe_load_all(path.read_text()) if document]


def install(api: ApiClient, channel: Channel = "standard", *kinds: str) -> None:
    """Install a channel's CRDs, or those of these kinds alone, where they are not there; usable when this returns."""
    definitions = [each for each in documents(channel) if each["kind"] == "CustomResourceDefinition"]
    install_definitions(api, [each for each in definitions if not kinds or each["spec"]["names"]["kind"] in kinds])


def install_whole(api: ApiClient, channel: Channel = "standard") -> None:
    """A channel as people install it: by its files, with its policy."""
    api.kubectl("apply", "--server-side", *(f"--filename={path}" for path in _files(channel)))


def _files(channel: Channel) -> list[Path]:
    return sorted((release() / channel).glob("gateway.networking.*.yaml"))
