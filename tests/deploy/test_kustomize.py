"""The folders of deploy/ are bases of Kustomize: as they are, and with another namespace, image and size over them."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.reading import DEPLOY
from tests.support.apiserver import ApiServer

pytestmark = pytest.mark.kubernetes

BASES = sorted(path.parent for path in DEPLOY.rglob("Kustomization"))
OVER = """
resources: [{base}]
namespace: edges
images: [{{name: dragoman, newName: registry.test/dragoman, newTag: "1"}}]
replicas: [{{name: {deployment}, count: 5}}]
"""


def kustomized(api: ApiServer, folder: Path) -> list[dict[str, Any]]:
    return [each for each in yaml.load_all(api.kubectl("kustomize", str(folder)), yaml.CSafeLoader) if each]


def keyed(found: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


@pytest.mark.parametrize("folder", BASES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_a_base_has_all_of_its_folder(apiserver: ApiServer, folder: Path) -> None:
    files = sorted(folder.glob("*.yaml"))
    wanted = [each for path in files for each in yaml.load_all(path.read_text(), yaml.CSafeLoader)]
    assert keyed(kustomized(apiserver, folder)) == keyed(wanted)


@pytest.mark.parametrize(("name", "deployment"), [(".", "dragoman"), ("older-versions", "dragoman-webhook")])
def test_an_overlay_says_namespace_image_and_size(
    apiserver: ApiServer, tmp_path: Path, name: str, deployment: str
) -> None:
    base = os.path.relpath(DEPLOY / name, tmp_path)
    (tmp_path / "kustomization.yaml").write_text(OVER.format(base=base, deployment=deployment))
    found = kustomized(apiserver, tmp_path)
    made = keyed(found)["Deployment", deployment]
    assert made["metadata"]["namespace"] == "edges"
    assert made["spec"]["replicas"] == 5
    assert made["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.test/dragoman:1"
    assert "'namespace': 'dragoman'" not in str(found)
    assert [each["metadata"]["name"] for each in found if each["kind"] == "Namespace"] in ([], ["edges"])
