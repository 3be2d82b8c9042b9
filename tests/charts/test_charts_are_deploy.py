"""The charts install what deploy/ does: the same objects, but for the labels that say which release they are of."""

from typing import Any

import pytest

from crds.charts import ROOT, chart_files
from tests.charts.rendering import CHART, CRDS, bare, by_key, container_of, loaded, objects, values_in
from tests.deploy.reading import DEPLOY, documents
from tests.support.helm import Helm, HelmError


def test_no_made_file_of_a_chart_is_stale() -> None:
    for name, text in chart_files().items():
        assert (ROOT / name).read_text() == text, f"{name}: run `make crds`"


def same(found: list[dict[str, Any]], *names: str) -> None:
    wanted = by_key([each for name in names for each in loaded((DEPLOY / name).read_text())])
    rendered = by_key(bare(found))
    assert rendered.keys() == wanted.keys()
    for key, each in wanted.items():
        assert rendered[key] == each, key


@pytest.mark.parametrize("chart", [CHART, CRDS])
def test_helms_linter_has_nothing_to_say(helm: Helm, chart: str) -> None:
    assert helm.lint(chart, {}) == []


def test_by_default_it_is_deploy(helm: Helm) -> None:
    same(objects(helm, {}), "rbac.yaml", "workload.yaml")


def test_for_one_namespace_it_is_that_of_deploy(helm: Helm) -> None:
    found = objects(helm, {"scope": {"singleNamespace": True}})
    same(found, "single-namespace/rbac.yaml", "single-namespace/workload.yaml")


def test_with_gateway_api_it_is_that_of_deploy(helm: Helm) -> None:
    names = ("gateway-api/rbac.yaml", "gateway-api/gatewayclass.yaml")
    same(objects(helm, {"gatewayAPI": {"enabled": True}}), "rbac.yaml", "workload.yaml", *names)


def test_with_addresses_of_gateways_own_it_is_that_of_deploy(helm: Helm) -> None:
    folders = ("gateway-api", "gateway-api/dedicated-addresses")
    names = [f"{folder}/{name}.yaml" for folder in folders for name in ("rbac", "gatewayclass")]
    found = objects(helm, {"gatewayAPI": {"enabled": True, "dedicatedAddresses": True}})
    policy = "gateway-api/dedicated-addresses/policy.yaml"
    same(found, "rbac.yaml", "workload.yaml", *names, policy)
    names += [f"gateway-api/provisioned/{name}.yaml" for name in ("rbac", "gatewayclass")]
    everything = {"gatewayAPI": {"enabled": True, "dedicatedAddresses": True, "provisioned": True}}
    same(objects(helm, everything), "rbac.yaml", "workload.yaml", *names, policy)


def test_every_folder_of_deploy_is_in_a_chart() -> None:
    """What comes into deploy/ comes into a chart, or is named here."""
    elsewhere = {"kind", "older-versions", "single-namespace", "gateway-api", "knative"}
    elsewhere |= {"gateway-api/dedicated-addresses", "gateway-api/provisioned"}
    assert {str(each.relative_to(DEPLOY)) for each in DEPLOY.rglob("*") if each.is_dir()} == elsewhere


def test_with_knative_the_rights_are_those_of_deploy(helm: Helm) -> None:
    found = objects(helm, {"knative": {"enabled": True}})
    without = [each for each in found if each["kind"] != "Deployment"]
    workload = by_key(documents(DEPLOY / "workload.yaml", DEPLOY / "rbac.yaml", DEPLOY / "knative/rbac.yaml"))
    del workload["Deployment/dragoman"]
    assert by_key(bare(without)) == workload
    assert objects(helm, {"env": {"AMBASSADOR_KNATIVE_SUPPORT": True}}) == found
    alone = by_key(objects(helm, {"knative": {"enabled": True}, "scope": {"singleNamespace": True}}))
    assert not [key for key in alone if key.startswith("Cluster")]
    assert alone["Role/dragoman-knative"]["rules"] == workload["ClusterRole/dragoman-knative"]["rules"]


def test_the_kinds_are_those_of_deploy(helm: Helm) -> None:
    same(objects(helm, {"keep": False}, CRDS), "crds.yaml", "validation.yaml")
    same(objects(helm, {"keep": False, "validation": False}, CRDS), "crds.yaml")
    for each in objects(helm, {"validation": False}, CRDS):
        assert each["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}


def test_older_versions_are_those_of_deploy(helm: Helm) -> None:
    values = {"keep": False, "validation": False, "enableLegacyVersions": True}
    files = [f"older-versions/{name}.yaml" for name in ("crds", "rbac", "workload")]
    same(objects(helm, values, CRDS), *files)


def test_older_versions_are_converted_in_the_releases_namespace_by_the_image_that_is_named(helm: Helm) -> None:
    values = {"enableLegacyVersions": True, "image": {"repository": "registry.test/dragoman", "tag": 1}}
    texts = helm.render(CRDS, values, namespace="elsewhere")
    for name, number in (("crds.yaml", 12), ("webhook.yaml", 8)):
        assert "namespace: dragoman\n" not in texts[name]
        assert texts[name].replace('"', "").count("namespace: elsewhere\n") == number
    assert container_of(loaded(texts["webhook.yaml"]), "webhook")["image"] == "registry.test/dragoman:1"


def test_what_a_value_is_cannot_be_mistaken(helm: Helm) -> None:
    """A wrong type of what has an effect is refused by its path."""
    for values, path in (
        ({"replicaCount": "many"}, "/replicaCount"),
        ({"service": {"type": "Balancer"}}, "/service/type"),
        ({"service": {"ports": [{"port": 80}]}}, "/service/ports/0"),
        ({"resources": []}, "/resources"),
        ({"envRaw": {"NAME": "value"}}, "/envRaw"),
    ):
        with pytest.raises(HelmError, match=path):
            objects(helm, values)


@pytest.mark.parametrize("chart", [CHART, CRDS])
def test_each_default_is_a_value_that_is_known(chart: str) -> None:
    def compare(values: dict[str, Any], keys: dict[str, Any]) -> None:
        for key, value in values.items():
            assert key in keys
            assert not isinstance(keys[key], str), f"{key} is gone"
            if keys[key]:
                compare(value, keys[key])

    compare(values_in(f"{chart}/values.yaml"), values_in(f"{chart}/files/keys.yaml"))
