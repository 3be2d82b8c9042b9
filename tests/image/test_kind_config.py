"""kind-config.yaml has the fields that kind knows (kind.x-k8s.io/v1alpha4), and its ports lead somewhere."""

from typing import Any

import pytest
import yaml

from tests.image.containers import TREE

# kind parses strictly: a field it does not know is an error (https://kind.sigs.k8s.io/docs/user/configuration/).
CLUSTER = {
    "kind", "apiVersion", "name", "nodes", "networking", "featureGates", "runtimeConfig", "kubeadmConfigPatches",
    "containerdConfigPatches",
}  # fmt: skip
NODE = {"role", "image", "labels", "extraMounts", "extraPortMappings", "kubeadmConfigPatches"}
MAPPING = {"containerPort", "hostPort", "listenAddress", "protocol"}


@pytest.fixture
def cluster() -> Any:
    return yaml.safe_load((TREE / "kind-config.yaml").read_text())


def test_it_has_the_fields_that_kind_knows(cluster: Any) -> None:
    assert (cluster["kind"], cluster["apiVersion"]) == ("Cluster", "kind.x-k8s.io/v1alpha4")
    assert set(cluster) <= CLUSTER
    for node in cluster["nodes"]:
        assert set(node) <= NODE
        assert node["role"] in {"control-plane", "worker"}
        for mapping in node["extraPortMappings"]:
            assert set(mapping) <= MAPPING
            assert mapping["protocol"] in {"TCP", "UDP", "SCTP"}


def test_the_users_ports_lead_to_node_ports(cluster: Any) -> None:
    mappings = [mapping for node in cluster["nodes"] for mapping in node["extraPortMappings"]]
    ports = {mapping["hostPort"]: mapping["containerPort"] for mapping in mappings}
    assert ports == {80: 30080, 443: 30443, 8877: 30877}
    assert all(30000 <= port <= 32767 for port in ports.values())  # the range that Kubernetes gives node ports
    assert all(mapping["listenAddress"] == "127.0.0.1" for mapping in mappings)
