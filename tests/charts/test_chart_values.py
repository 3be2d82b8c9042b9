"""Each value has its effect, Emissary's keys too; what has none any more is said, and never stops an installation."""

from typing import Any

import pytest

from crds.chart_values import CRD_VALUES, VALUES
from tests.charts.rendering import (
    CHART,
    CRDS,
    EVERY,
    at,
    by_key,
    container_of,
    notes,
    objects,
    over,
    pod_of,
    warnings,
    without,
)
from tests.support.helm import Helm, HelmError

WHERE: dict[str, dict[str, Any]] = {
    "autoscaling.minReplicas": {"autoscaling": {"enabled": True}},
    "autoscaling.maxReplicas": {"autoscaling": {"enabled": True}},
    "autoscaling.metrics": {"autoscaling": {"enabled": True}},
    "autoscaling.behavior": {"autoscaling": {"enabled": True}},
    "gatewayAPI.dedicatedAddresses": {
        "gatewayAPI": {"enabled": True, "dedicatedAddresses": True},
        "scope": {"singleNamespace": False},
    },
    "gatewayAPI.provisioned": {
        "gatewayAPI": {"enabled": True, "dedicatedAddresses": True, "provisioned": True},
        "scope": {"singleNamespace": False},
    },
}
"""What must be said too, so that a value has an effect."""
OTHERWISE: dict[str, Any] = {
    "daemonSet": True,
    "image.fullImageOverride": "registry.test/other@sha256:0",
    "autoscaling.enabled": True,
    "serviceAccount.create": False,
    "adminService.create": False,
    "rbac.create": False,
}
"""Values that would hide others if they were among them."""
ALONE: dict[str, Any] = {"gatewayAPI.enabled": True, "replaces": "emissary-ingress"}
"""Values that others hide."""


def manifest(helm: Helm, values: dict[str, Any]) -> dict[str, str]:
    texts = helm.render(CHART, values)
    del texts["NOTES.txt"]
    return texts


LIVE = [value.path for value in VALUES if not value.gone]
GONE = [(chart, value) for chart, values in ((CHART, VALUES), (CRDS, CRD_VALUES)) for value in values if value.gone]


def test_each_value_has_an_effect(helm: Helm) -> None:
    """Alone beside the defaults, or, taken away from all the others, it is missed."""
    idle = []
    every = manifest(helm, EVERY)
    for path in LIVE:
        if path in ALONE:
            one, two = manifest(helm, {}), at(path, ALONE[path])
        elif path in OTHERWISE:
            one, two = every, over(EVERY, at(path, OTHERWISE[path]))
        else:
            where = WHERE.get(path)
            one, two = (manifest(helm, over(EVERY, where)) if where else every), without(over(EVERY, where or {}), path)
        if manifest(helm, two) == one:
            idle.append(path)
    assert idle == []


def test_all_of_them_at_once_are_taken_and_nothing_is_warned_of(helm: Helm) -> None:
    told = warnings(helm, EVERY)
    assert [line for line in told if "edge-tls" not in line] == []
    assert len(told) == 1
    assert warnings(helm, {}) == warnings(helm, {}, CRDS) == []


@pytest.mark.parametrize("value", [0, False, "", {}, [], None, {"enabled": False}, {"create": False, "name": "one"}])
def test_who_asks_for_nothing_that_is_gone_is_not_told(helm: Helm, value: Any) -> None:
    assert warnings(helm, {"agent": value, "redis": value, "licenseKey": value}) == []


@pytest.mark.parametrize("chart", [CHART, CRDS])
def test_whoever_asks_for_what_is_gone_is_told_what_to_do(helm: Helm, chart: str) -> None:
    asked: dict[str, Any] = {}
    gone = [value for which, value in GONE if which == chart]
    for number, value in enumerate(gone):
        asked = over(asked, at(value.path, [{"enabled": True, "image": {"tag": "1"}}, "some", 1, ["some"]][number % 4]))
    told = warnings(helm, asked, chart)
    assert sorted(told) == sorted(f"WARNING: nothing comes of {each.path}: {each.text}." for each in gone)


def test_a_slip_of_the_pen_is_told_by_its_path(helm: Helm) -> None:
    values = {"replicas": 4, "service": {"typ": "NodePort"}, "metrics": {"podMonitor": {"on": True}}}
    told = warnings(helm, values)
    assert sorted(line.split()[1] for line in told) == ["metrics.podMonitor.on", "replicas", "service.typ"]
    assert all("not known" in line for line in told)
    assert len(warnings(helm, {"image": {"name": "some"}}, CRDS)) == 1


ODD = (("123", "456"), ("true", "null"), ("1e3", "0x1f"))
"""Names of releases and namespaces that YAML takes for something else."""


@pytest.mark.parametrize(("name", "namespace"), ODD)
def test_a_name_that_looks_like_a_number_is_a_name(helm: Helm, name: str, namespace: str) -> None:
    here = over(EVERY, {"fullnameOverride": name, "nameOverride": name, "service": {"nameOverride": name}})
    here = over(here, {"namespaceOverride": namespace, "service": {"selector": None}, "namespace": {"name": namespace}})
    for values, chart in (({}, CHART), (here, CHART), ({"enableLegacyVersions": True}, CRDS)):
        for each in objects(helm, values, chart, name, namespace):
            for place in (each["metadata"], each.get("spec", {}).get("template", {}).get("metadata", {})):
                texts = [*place.get("labels", {}).values(), *place.get("annotations", {}).values()]
                texts += [place[key] for key in ("name", "namespace") if key in place]
                assert [text for text in texts if not isinstance(text, str)] == [], each["kind"]
            for subject in each.get("subjects", []):
                assert subject["namespace"] == namespace
            conversion = each.get("spec", {}).get("conversion", {}).get("webhook", {})
            assert not conversion or conversion["clientConfig"]["service"]["namespace"] == namespace


def test_a_number_stays_as_it_was_written(helm: Helm) -> None:
    """Helm's numbers are floats, and Go's own text of twenty million is 2e+07."""
    values = {
        "image": {"tag": 20260101},
        "service": {"annotations": {"timeout-ms": 3600000, "a: b": True, "none": None}},
    }
    found = objects(helm, values)
    assert container_of(found)["image"] == "dragoman:20260101"
    annotations = by_key(found)["Service/dragoman"]["metadata"]["annotations"]
    assert annotations == {"timeout-ms": "3600000", "a: b": "true", "none": ""}
    webhook = objects(helm, {"enableLegacyVersions": True, "image": {"tag": 20260101}}, CRDS)
    assert container_of(webhook, "webhook")["image"] == "dragoman:20260101"


@pytest.mark.parametrize("text", ["  a: 1\nb: 2\n", "\n\n  a: 1\n", "# one\n---\n"])
def test_a_file_of_objects_is_the_text_that_was_given(helm: Helm, text: str) -> None:
    found = by_key(objects(helm, {"ambassadorConfig": text}))
    assert found["ConfigMap/dragoman-file-config"]["data"]["ambassadorConfig"] == text


def test_a_variable_is_said_once_and_the_users_word_counts(helm: Helm) -> None:
    values = {
        "env": {"envoy_concurrency": 8, "AMBASSADOR_ID": "edge", "BIG": 10_000_000, "ON": True, "TEXT": "1e3"},
        "envRaw": "- {name: POD_NAME, value: '{{ .Release.Name }}'}",
    }
    found = container_of(objects(helm, values))["env"]
    names = [each["name"] for each in found]
    assert len(names) == len(set(names))
    said = {each["name"]: each.get("value") for each in found}
    assert (said["ENVOY_CONCURRENCY"], said["POD_NAME"], said["AMBASSADOR_ID"]) == ("8", "dragoman", "edge")
    assert (said["BIG"], said["ON"], said["TEXT"], said["DRAGOMAN_CONFIG_DIR"]) == ("10000000", "true", "1e3", "")


@pytest.mark.parametrize("how", ["env", "envRaw"])
def test_a_variable_counts_however_it_is_said(helm: Helm, how: str) -> None:
    """Else the chart's own Listeners would be for another installation, and the rights for another namespace."""
    said = {
        "ambassador_id": "edge",
        "ambassador_namespace": "others",
        "ambassador_healthcheck_bind_port": 9000,
        "ambassador_knative_support": "yes",
        "dragoman_drain_max": 100,
    }
    raw = "".join([f"- {{name: {name.upper()}, value: '{value}'}}\n" for name, value in said.items()])
    values = {"createDefaultListeners": True, "envRaw": raw} if how == "envRaw" else {"env": said}
    found = objects(helm, over(values, {"createDefaultListeners": True}))
    listeners = [each for each in found if each["kind"] == "Listener"]
    assert [each["spec"]["ambassador_id"] for each in listeners] == [["edge"], ["edge"]]
    roles = {each["metadata"]["name"]: each["metadata"].get("namespace") for each in found if each["kind"] == "Role"}
    assert roles == {"dragoman": "others"}
    assert "ClusterRole/dragoman-knative" in by_key(found)
    assert {"name": "admin", "containerPort": 9000} in container_of(found)["ports"]
    assert by_key(found)["Service/dragoman-admin"]["spec"]["ports"][0]["targetPort"] == 9000
    assert ["115 s" in told for told in warnings(helm, values)] == [True]


def test_a_namespace_that_only_the_pod_knows_is_the_pods(helm: Helm) -> None:
    raw = "- {name: AMBASSADOR_NAMESPACE, value: $(POD_NAMESPACE)}"
    assert by_key(objects(helm, {"envRaw": raw}))["Role/dragoman"]["metadata"]["namespace"] == "dragoman"


def test_the_last_word_on_a_variable_counts_and_what_is_none_is_refused(helm: Helm) -> None:
    values = {"env": {"POD_NAME": "a", "pod_name": "b"}, "envRaw": "- {name: POD_NAME, value: c}"}
    assert [each for each in container_of(objects(helm, values))["env"] if each["name"] == "POD_NAME"] == [
        {"name": "POD_NAME", "value": "c"}
    ]
    for text in ("a: b", "- a", "some"):
        with pytest.raises(HelmError, match="envRaw must be a list of variables"):
            objects(helm, {"envRaw": text})


def test_null_takes_any_default_away(helm: Helm) -> None:
    """A map of them too: then nothing of it is asked for."""
    paths = {value.path.rsplit(".", depth)[0] for value in VALUES if not value.gone for depth in range(3)}
    for path in sorted(paths):
        objects(helm, at(path, None))
    assert by_key(objects(helm, {"service": None}))["Service/dragoman"]["spec"]["ports"] is None
    assert "Service/dragoman-admin" not in by_key(objects(helm, {"adminService": None}))
    assert objects(helm, {"enableLegacyVersions": True, "image": None}, CRDS)


def test_a_listener_is_null_or_a_map(helm: Helm) -> None:
    assert not [each for each in objects(helm, {"listeners": {"mine": None}}) if each["kind"] == "Listener"]
    (made,) = [each for each in objects(helm, {"listeners": {"mine": {"create": True}}}) if each["kind"] == "Listener"]
    assert made["spec"] == {}
    with pytest.raises(HelmError, match="/listeners/mine"):
        objects(helm, {"listeners": {"mine": "HTTP"}})


def test_what_the_chart_makes_is_for_its_own_installation(helm: Helm) -> None:
    values = over(EVERY, {"env": {"AMBASSADOR_ID": "edge"}})
    ours = [each for each in objects(helm, values) if each["apiVersion"].startswith("getambassador.io")]
    assert sorted(each["kind"] for each in ours) == [
        "ConsulResolver",
        "KubernetesEndpointResolver",
        "Listener",
        "Listener",
        "Listener",
        "Module",
    ]
    assert {tuple(each["spec"]["ambassador_id"]) for each in ours} == {("edge",)}
    assert {each["metadata"]["namespace"] for each in ours} == {"others"}
    none = objects(helm, {"createDefaultListeners": True})
    ports = {each["spec"]["port"] for each in none if each["kind"] == "Listener"}
    assert ports == {8080, 8443}
    assert not [each for each in none if "ambassador_id" in each.get("spec", {})]


def test_each_port_of_the_service_is_a_port_of_the_pods_once(helm: Helm) -> None:
    ports = [
        {"name": "http", "port": 80, "targetPort": 8080},
        {"name": "https", "port": "443", "targetPort": "8080"},
        {"name": "h3", "port": 443, "targetPort": 8080, "protocol": "UDP", "hostPort": 443},
        {"name": "plain", "port": 9000},
    ]
    found = objects(helm, {"service": {"ports": ports}})
    service = by_key(found)["Service/dragoman"]["spec"]["ports"]
    assert service[1] == {"name": "https", "port": 443, "targetPort": 8080}
    assert container_of(found)["ports"] == [
        {"name": "http", "containerPort": 8080},
        {"name": "h3", "containerPort": 8080, "protocol": "UDP", "hostPort": 443},
        {"name": "plain", "containerPort": 9000},
        {"name": "admin", "containerPort": 8877},
    ]


def test_a_port_of_the_service_may_be_called_what_no_port_of_a_pod_can_be(helm: Helm) -> None:
    ports = [
        {"name": "http-alternative", "port": 81, "targetPort": 8081},
        {"name": "admin", "port": 8877},
        {"name": "a", "port": 80, "targetPort": 8080},
    ]
    assert container_of(objects(helm, {"service": {"ports": ports}}))["ports"] == [
        {"containerPort": 8081},
        {"name": "a", "containerPort": 8080},
        {"name": "admin", "containerPort": 8877},
    ]


def test_a_label_is_said_once_and_the_users_word_counts(helm: Helm) -> None:
    """Twice in one map is what Helm lets pass, and kustomize, Argo CD and Flux do not."""
    labels = {"app.kubernetes.io/part-of": "edge", "app.kubernetes.io/component": "edge"}
    asked = {"enabled": True, "selector": labels}
    values = {"deploymentLabels": labels, "service": {"labels": labels}, "adminService": {"labels": labels}}
    texts = helm.render(CHART, {**values, "metrics": {"serviceMonitor": asked, "podMonitor": asked}})
    for name in ("deployment.yaml", "service.yaml", "admin-service.yaml", "monitors.yaml"):
        for text in filter(None, texts[name].strip().removeprefix("---").split("\n---\n")):
            head = text.partition("\nspec:")[0]
            assert head.count("app.kubernetes.io/part-of: edge") == head.count("part-of") == 1, name
            assert head.count("app.kubernetes.io/component: edge") == head.count("component:") == 1, name


def test_a_services_name_has_no_dots(helm: Helm) -> None:
    found = by_key(objects(helm, {}, name="edge.v1"))
    assert {"Service/edge-v1-dragoman", "Service/edge-v1-dragoman-admin", "Deployment/edge.v1-dragoman"} <= found.keys()


def test_rights_for_everybody_are_told(helm: Helm) -> None:
    (told,) = warnings(helm, {"serviceAccount": {"create": False}})
    assert "ServiceAccount default" in told
    assert warnings(helm, {"serviceAccount": {"create": False, "name": "edge"}}) == []
    assert warnings(helm, {"serviceAccount": {"create": False}, "rbac": {"create": False}}) == []


def test_a_service_without_ports_is_rendered_for_the_api_server_to_judge(helm: Helm) -> None:
    found = objects(helm, {"service": {"ports": []}, "networkPolicy": {"enabled": True}})
    assert container_of(found)["ports"] == [{"name": "admin", "containerPort": 8877}]
    assert len(by_key(found)["NetworkPolicy/dragoman"]["spec"]["ingress"]) == 1


def test_a_daemonset_has_neither_replicas_nor_an_autoscaler(helm: Helm) -> None:
    values = {"daemonSet": True, "autoscaling": {"enabled": True}, "progressDeadlines": {"ambassador": 600}}
    found = by_key(objects(helm, values))
    spec = found["DaemonSet/dragoman"]["spec"]
    assert spec.keys() == {"revisionHistoryLimit", "selector", "template", "updateStrategy"}
    assert "HorizontalPodAutoscaler/dragoman" not in found
    assert ["autoscaling" in line for line in warnings(helm, values)] == [True]
    assert "rollout status daemonset/dragoman" in notes(helm, values)


def test_an_autoscaler_alone_says_how_many(helm: Helm) -> None:
    found = by_key(objects(helm, {"autoscaling": {"enabled": True}, "deploymentNameOverride": "other"}))
    assert "replicas" not in found["Deployment/other"]["spec"]
    assert found["HorizontalPodAutoscaler/dragoman"]["spec"]["scaleTargetRef"]["name"] == "other"


def test_a_budget_says_one_of_two(helm: Helm) -> None:
    spec = by_key(objects(helm, {"podDisruptionBudget": {"minAvailable": 1}}))["PodDisruptionBudget/dragoman"]["spec"]
    assert "maxUnavailable" not in spec
    assert "PodDisruptionBudget/dragoman" not in by_key(objects(helm, {"podDisruptionBudget": None}))


def test_too_little_time_to_drain_is_told(helm: Helm) -> None:
    (told,) = warnings(helm, {"terminationGracePeriodSeconds": "0"})  # Emissary's older default
    assert "it is 75 here" in told
    assert pod_of(objects(helm, {"terminationGracePeriodSeconds": "0"}))["spec"]["terminationGracePeriodSeconds"] == 75
    assert "it may take" not in notes(helm, {"terminationGracePeriodSeconds": 75})
    (told,) = warnings(helm, {"terminationGracePeriodSeconds": "30"})
    assert "75 s" in told
    assert warnings(helm, {"terminationGracePeriodSeconds": 30, "env": {"DRAGOMAN_DRAIN_MAX": "14.5"}}) == []
    (told,) = warnings(helm, {"env": {"DRAGOMAN_DRAIN_MAX": "100"}})
    assert "115 s" in told


def test_probes_keep_what_they_ask(helm: Helm) -> None:
    found = container_of(objects(helm, EVERY), "edge-container")
    for probe, path in (("liveness", "alive"), ("startup", "alive"), ("readiness", "ready")):
        assert found[f"{probe}Probe"]["httpGet"] == {"path": f"/ambassador/v0/check_{path}", "port": "admin"}
    assert found["livenessProbe"]["initialDelaySeconds"] == 30
    other = {"env": {"AMBASSADOR_HEALTHCHECK_BIND_PORT": "9000"}}
    keyed = by_key(objects(helm, other))
    assert keyed["Service/dragoman-admin"]["spec"]["ports"][0]["targetPort"] == 9000
    assert {"name": "admin", "containerPort": 9000} in container_of(objects(helm, other))["ports"]


def test_one_namespaces_secrets_are_those_that_are_named_or_all(helm: Helm) -> None:
    def secrets(names: list[str]) -> dict[str, Any]:
        found = by_key(objects(helm, {"scope": {"singleNamespace": True}, "rbac": {"secretNames": names}}))
        (rule,) = [each for each in found["Role/dragoman"]["rules"] if each["resources"] == ["secrets"]]
        return rule

    assert secrets(["one", "two"])["resourceNames"] == ["one", "two"]
    assert "resourceNames" not in secrets([])
    values = {"scope": {"singleNamespace": True}, "gatewayAPI": {"enabled": True}}
    assert not [each for each in objects(helm, values) if each["kind"].startswith(("Cluster", "GatewayClass"))]
    assert ["gatewayAPI" in line for line in warnings(helm, values)] == [False, True]
    for name in ("dedicatedAddresses", "provisioned"):
        (told,) = warnings(helm, {"gatewayAPI": {name: True}})
        assert f"gatewayAPI.{name} without gatewayAPI.enabled" in told


def test_a_file_of_objects_is_where_the_gateway_reads_emissarys(helm: Helm) -> None:
    found = objects(helm, EVERY)
    (mount,) = [
        each for each in container_of(found, "edge-container")["volumeMounts"] if each["name"] == "ambassador-config"
    ]
    assert mount == {"name": "ambassador-config", "mountPath": "/ambassador/ambassador-config", "readOnly": True}
    assert "from-a-file" in by_key(found)["ConfigMap/edge-file-config"]["data"]["ambassadorConfig"]


def test_no_key_is_twice() -> None:
    for values in (VALUES, CRD_VALUES):
        paths = [value.path for value in values]
        assert len(paths) == len(set(paths))
