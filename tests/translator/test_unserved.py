"""What is said of objects that nobody reads: kinds, versions, and what is for another gateway."""

import orjson
import pytest

from translator.apis import Apis
from translator.options import Options
from translator.statuses import Status, status_of_object
from translator.tables import Tables
from translator.translation import Translation
from translator.unserved import for_another, unknown_kind, wrong_version

SERVED = frozenset(Apis(Tables(), Options()).sources)
OURS = "getambassador.io/v3alpha1"


def said(group: str, kind: str, *, in_cluster: bool = False) -> str | None:
    told = unknown_kind(f"{group}/{kind}/default/some", SERVED, in_cluster=in_cluster)
    if told is None:
        return None
    assert (told.path, told.stops, told.reason) == ("kind", True, "NotServed")
    return told.message


@pytest.mark.parametrize(
    ("group", "kind", "meant"),
    [
        ("getambassador.io", "Maping", "Mapping"),
        ("getambassador.io", "mapping", "Mapping"),
        ("getambassador.io", "RoutPolicy", "RoutePolicy"),
        ("gateway.networking.k8s.io", "Gatway", "Gateway"),
        ("gateway.networking.k8s.io", "HttpRoute", "HTTPRoute"),
        ("networking.k8s.io", "Ingres", "Ingress"),
        ("core", "Servce", "Service"),
        ("discovery.k8s.io", "EndpointSlices", "EndpointSlice"),
    ],
)
def test_the_kind_is_named_that_was_meant(group: str, kind: str, meant: str) -> None:
    assert said(group, kind) == f"{kind} is not served by this version; did you mean {meant}?"


@pytest.mark.parametrize(
    ("group", "kind"),
    [("getambassador.io", "DevPortal"), ("getambassador.io", "RateLimit"), ("gateway.networking.k8s.io", "Zzz")],
)
def test_a_kind_that_is_like_none_is_told_without_a_guess(group: str, kind: str) -> None:
    assert said(group, kind) == f"{kind} is not served by this version"


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("core", "ServiceAccount"),
        ("core", "Endpoints"),
        ("core", "Pod"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("apps", "Deployment"),
        ("example.com", "Mapping"),
        ("example.com", "Maping"),
    ],
)
def test_what_is_for_others_is_not_told_of(group: str, kind: str) -> None:
    assert said(group, kind) is None


def test_of_a_cluster_only_what_is_for_emissary_is_told() -> None:
    assert said("getambassador.io", "Maping", in_cluster=True) is not None
    assert said("gateway.networking.k8s.io", "Gatway", in_cluster=True) is None
    assert said("core", "Servce", in_cluster=True) is None


@pytest.mark.parametrize(
    ("version", "wanted"),
    [
        ("gateway.networking.k8s.io/v1alpha9", "gateway.networking.k8s.io/v1"),
        ("gateway.networking.k8s.io/v3", "gateway.networking.k8s.io/v1"),
        ("networking.k8s.io/v2", "networking.k8s.io/v1"),
        ("extensions/v1", "extensions/v1beta1"),
    ],
)
def test_a_version_that_there_is_not_is_told_with_one_that_there_is(version: str, wanted: str) -> None:
    (told,) = wrong_version({"apiVersion": version})
    assert (told.path, told.stops, told.reason) == ("apiVersion", True, "NotServed")
    assert told.message.startswith(f"must be {wanted}: there is no version {version.partition('/')[2]}, only ")


@pytest.mark.parametrize(
    "version", ["gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1alpha2", "extensions/v1beta1", "v1", OURS]
)
def test_of_other_versions_nothing_is_said(version: str) -> None:
    assert wrong_version({"apiVersion": version}) == ()


def test_what_is_for_another_gateway_is_a_notice_and_no_warning() -> None:
    told = for_another(orjson.dumps({"spec": {"ambassador_id": ["green", "blue"]}}), "default")
    assert told is not None
    assert told.message == "names blue, green, so that this gateway leaves the object out: its AMBASSADOR_ID is default"
    assert (told.path, told.stops, told.notice) == ("spec.ambassador_id", False, True)
    status = status_of_object((told,))
    assert status.state == "ok"
    assert status.json()["problems"][0]["notice"] is True


def test_what_names_no_gateway_is_the_default_ones() -> None:
    told = for_another(orjson.dumps({"spec": {}}), "blue")
    assert told is not None
    assert told.message.startswith("is absent, which means default, so that this gateway leaves the object out")


# -- as the running gateway tells it


def statuses(api_version: str, kind: str, spec: object, **options: object) -> dict[str, Status | None]:
    group = api_version.rpartition("/")[0] or "core"
    key = f"{group}/{kind}/default/some"
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "some", "namespace": "default"}, "spec": spec}
    found = Translation(Options(**options), {}).objects_changed(0.0, {key: orjson.dumps(body)}).statuses  # type: ignore[arg-type]
    return {"": found.get(key)}


MAPPING = {"hostname": "*", "prefix": "/some/", "service": "some"}


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [
        (OURS, "Maping"),
        ("gateway.networking.k8s.io/v1", "Gatway"),
        ("networking.k8s.io/v1", "Ingres"),
        ("v1", "Servce"),
    ],
)
def test_a_slip_of_the_pen_is_a_status(api_version: str, kind: str) -> None:
    status = statuses(api_version, kind, {})[""]
    assert status is not None
    assert status.state == "stopped"
    assert "did you mean" in status.problems[0].message


def test_what_is_for_others_waits_for_no_judgement() -> None:
    status = statuses("apps/v1", "Deployment", {})[""]
    assert status is not None
    assert (status.state, status.problems) == ("other", ())


@pytest.mark.parametrize("kind", ["Mapping", "Maping"])
def test_an_object_for_another_gateway_has_a_notice_in_a_folder_alone(kind: str) -> None:
    spec = {**MAPPING, "ambassador_id": ["blue"]}
    status = statuses(OURS, kind, spec)[""]
    assert status is not None
    assert (status.state, [each.notice for each in status.problems]) == ("other", [True])
    in_cluster = statuses(OURS, kind, spec, in_cluster=True)[""]
    assert in_cluster is not None
    assert in_cluster.problems == ()


def test_an_object_for_this_gateway_has_no_notice() -> None:
    status = statuses(OURS, "Mapping", {**MAPPING, "ambassador_id": ["blue"]}, ambassador_id="blue")[""]
    assert status is not None
    assert [each for each in status.problems if each.notice] == []
