"""The Prometheus operator's kinds that our chart makes, as its own release has them."""

from pathlib import Path

import yaml

from tests.e2e.cluster.client import ApiClient
from tests.support.crds import Release
from tests.support.crds import install as install_definitions

_RELEASE = Release(
    "prometheus-operator",
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "0bdb88ed823d0f2e86cf909638439b6ad1da744a228172c7411d9987527dc5d1",
    "example/prometheus-operator-crd",
)
_PLURALS = ("podmonitors", "prometheusrules", "servicemonitors")


def release() -> Path:
    """The folder of its CRDs; ToolchainError where it cannot be had."""
    return _RELEASE.folder()


def install(api: ApiClient) -> None:
    """Install the kinds that the chart makes; usable when this returns."""
    paths = [release() / f"monitoring.coreos.com_{plural}.yaml" for plural in _PLURALS]
    install_definitions(api, [yaml.safe_load(path.read_text()) for path in paths])
