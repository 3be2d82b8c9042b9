"""Whoever comes from Emissary's chart: values, images, and releases that are upgraded in place."""

from pathlib import Path

import pytest

from crds.chart_values import VALUES, Value
from tests.charts.rendering import EMISSARYS, by_key, container_of, objects, over, warnings
from tests.support.helm import Helm


def prefixes(value: Value) -> list[str]:
    names = value.path.split(".")
    return [".".join(names[:length]) for length in range(1, len(names) + 1)]


def test_each_key_of_emissarys_chart_is_in_the_list() -> None:
    """What its documentation lists, and what its templates read."""
    listed = {part for value in VALUES for part in prefixes(value)}
    keys = Path(__file__).with_name("emissarys-keys.txt").read_text().split()
    assert len(keys) > 100
    assert [key for key in keys if key not in listed] == []


@pytest.mark.parametrize(
    "repository",
    [
        "docker.io/emissaryingress/emissary",
        "docker.io/datawire/ambassador",
        "registry.test:5000/aes",
        "ghcr.io/a/emissary",
    ],
)
def test_emissarys_own_image_is_not_run_with_our_settings(helm: Helm, repository: str) -> None:
    values = {"image": {"repository": repository, "tag": "3.9.1"}}
    assert container_of(objects(helm, values))["image"] == "dragoman"
    (told,) = warnings(helm, values)
    assert repository in told
    full = {"image": {"fullImageOverride": f"{repository}:3.9.1"}}
    assert container_of(objects(helm, full))["image"] == "dragoman"
    assert len(warnings(helm, full)) == 1


def test_an_image_whose_name_holds_emissarys_is_run(helm: Helm) -> None:
    values = {"image": {"repository": "registry.test/emissary/dragoman", "tag": 3}}
    assert container_of(objects(helm, values))["image"] == "registry.test/emissary/dragoman:3"
    assert warnings(helm, values) == []


def test_a_release_of_emissarys_chart_keeps_its_names_and_selectors(helm: Helm) -> None:
    """Also when its whole file of values is laid over, which says most names as nothing."""
    values = over(EMISSARYS, {"nameOverride": "", "fullnameOverride": "", "podLabels": {}, "namespace": {"name": None}})
    names = {
        "emissary-ingress": ("emissary-ingress", "emissary-ingress"),
        "edge": ("edge-emissary-ingress", "emissary-ingress"),
        "emissary": ("emissary", "emissary"),
        "our-ambassador": ("our-ambassador", "our-ambassador"),
    }
    for name, (full, label) in names.items():
        found = by_key(objects(helm, values, name=name, namespace="emissary"))
        selector = {"app.kubernetes.io/name": label, "app.kubernetes.io/instance": name}
        deployment = found[f"Deployment/{full}"]
        assert deployment["spec"]["selector"]["matchLabels"] == selector
        assert found[f"Service/{full}"]["spec"]["selector"] == selector
        assert {key for key in found if "Role" in key} == {
            f"{kind}/{full}-dragoman" for kind in ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
        }
        admin = found[f"Service/{full}-admin"]
        assert admin["metadata"]["labels"]["service"] == "ambassador-admin"
        assert admin["spec"]["ports"][0]["name"] == "ambassador-admin"
        assert container_of(list(found.values()), "emissary-ingress")
        assert found["IngressClass/ambassador"]["spec"] == {"controller": "getambassador.io/ingress-controller"}
        assert found["Module/ambassador"]["spec"]["config"]["diagnostics"] == {
            "enabled": False,
            "allow_non_local": True,
        }


def test_a_module_may_be_turned_off_by_a_key_in_it(helm: Helm) -> None:
    config = {"diagnostics": {"enabled": True}}
    found = by_key(objects(helm, {"module": {"enabled": True, **config}}))
    assert found["Module/ambassador"]["spec"] == {"config": config}
    for values in ({"enabled": False, **config}, {"enabled": True}, {}):
        assert "Module/ambassador" not in by_key(objects(helm, {"module": values}))


def test_emissarys_values_change_nothing_else(helm: Helm) -> None:
    assert warnings(helm, EMISSARYS) == []
    ours = objects(helm, {"replaces": "emissary-ingress"}, name="emissary-ingress")
    theirs = objects(helm, EMISSARYS, name="emissary-ingress")
    assert by_key(theirs).keys() - by_key(ours).keys() == {"IngressClass/ambassador", "Module/ambassador"}
