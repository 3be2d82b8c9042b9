"""Of Gateway API nothing is watched but classes until one is ours; then all is, and of ConfigMaps what is named."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from process.settings import Settings
from snapshot import Record
from translator.apis import BESIDE_ONE
from watcher.cluster import Cluster
from watcher.gateway_kinds import CONFIG_MAP, CONTROLLER, GATEWAY_CLASS, GATEWAY_KINDS, NAMESPACE
from watcher.kinds import KINDS, SECRET, Kind, Target
from watcher.opening import Opening
from watcher.references import named_by_gateway_api
from watcher.secrets import MOST_OF_A_NAMESPACE
from watcher.sources import ObjectChanged, ObjectGone, SourceListed
from watcher.trimming import Seen, seen
from watcher.watch_events import Changed, Failing, Forbidden, Gone, Listed, Missing, WatchEvent
from watcher.watching import targets_of

HOST = next(kind for kind in KINDS if kind.name == "Host")
BY_NAME = {kind.name: kind for kind in GATEWAY_KINDS}
GATEWAY, ROUTE, POLICY, SET = (BY_NAME[name] for name in ("Gateway", "HTTPRoute", "BackendTLSPolicy", "ListenerSet"))
TARGETS = tuple(Target(kind) for kind in (HOST, SECRET, *GATEWAY_KINDS))
GATED = [kind for kind in GATEWAY_KINDS if kind.gated and not kind.by_name]
CA = {"kind": "ConfigMap", "group": "", "name": "ca"}


def made(kind: Kind, name: str, namespace: str = "own", **content: Any) -> Seen:
    metadata = {"name": name, "resourceVersion": "5", "generation": 2, "uid": "u", "creationTimestamp": "2026-01-01"}
    place = {} if kind.is_everywhere else {"namespace": namespace}
    return seen(kind, {"metadata": {**metadata, **place}, "status": {"conditions": []}, **content})


def a_class(controller: str = CONTROLLER) -> Seen:
    return made(GATEWAY_CLASS, "some", spec={"controllerName": controller})


class Run:
    """A Cluster that is told what it asks for, and what it published."""

    def __init__(
        self, remembered: Mapping[str, Record] | None = None, beside: Mapping[str, Record] | None = None
    ) -> None:
        self.cluster = Cluster(TARGETS, remembered, lambda: 0.5, beside)
        self.records: dict[str, Record] = {}
        self.live: dict[str, Record] = {}

    def take(self, kind: Kind, event: WatchEvent, **named: str) -> None:
        outcome = self.cluster.take(1.0, Target(kind, **named), [event])
        for changes, into in ((outcome.objects, self.records), (outcome.live, self.live)):
            for key, record in changes.records.items():
                if record:
                    into[key] = record
                else:
                    into.pop(key, None)

    def lists(self, kind: Kind, *found: Seen, **named: str) -> None:
        self.take(kind, Listed({here.key: here for here in found}), **named)

    def lists_all(self, *found: Seen) -> None:
        """What each reflector that there is would be told."""
        for target in list(self.cluster.reflectors):
            if not target.name:
                own = target.kind.key("", "").rstrip("/") + "/"
                self.lists(target.kind, *(here for here in found if here.key.startswith(own)))

    @property
    def watched(self) -> set[Kind]:
        return {target.kind for target in self.cluster.reflectors}

    @property
    def named(self) -> set[tuple[str, str, str]]:
        return {(target.kind.name, target.namespace, target.name) for target in self.cluster.reflectors if target.name}


@pytest.mark.parametrize(
    "event", [Missing(), Listed({}), Forbidden("no"), Listed({"x": a_class("example.com/other")})], ids=str
)
def test_without_a_class_of_ours_nothing_is_watched_and_nobody_waits(event: WatchEvent) -> None:
    run = Run()
    run.lists(HOST)
    run.lists(SECRET)
    assert not run.cluster.complete
    run.take(GATEWAY_CLASS, event)
    assert run.cluster.complete, run.cluster.waiting_for
    assert run.watched == {HOST, SECRET, GATEWAY_CLASS}


def test_with_a_class_of_ours_the_first_view_waits_for_all() -> None:
    run = Run()
    run.lists(HOST)
    run.lists(SECRET)
    run.lists(GATEWAY_CLASS, a_class())
    assert run.watched == {HOST, SECRET, GATEWAY_CLASS, *GATED}
    for kind in GATED:
        assert not run.cluster.complete
        run.take(kind, Missing() if kind.optional else Listed({}))
    assert run.cluster.complete, run.cluster.waiting_for


def test_a_class_that_comes_later_opens_and_none_that_goes_closes() -> None:
    run = Run()
    run.lists_all()
    assert run.cluster.complete
    run.take(GATEWAY_CLASS, Changed(a_class("example.com/other")))
    assert run.watched == {HOST, SECRET, GATEWAY_CLASS}
    run.take(GATEWAY_CLASS, Changed(a_class()))
    assert run.watched == {HOST, SECRET, GATEWAY_CLASS, *GATED}
    route = made(ROUTE, "r", spec={"rules": []}, extra="x")
    run.lists_all(a_class(), route)
    assert orjson.loads(run.records[route.key].body) == {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "r", "namespace": "own", "creationTimestamp": "2026-01-01"},
        "spec": {"rules": []},
    }
    assert run.records[route.key].notes == {"generation": 2, "uid": "u"}
    assert route.key in run.live
    run.take(GATEWAY_CLASS, Gone(a_class().key))
    assert route.key in run.records
    run.take(ROUTE, Gone(route.key))
    assert route.key not in run.live


def test_what_a_class_opens_is_told_when_all_of_it_has_been_seen() -> None:
    """A route is not told before the policy that says how its Service is spoken with."""
    run = Run()
    run.lists_all()
    run.take(GATEWAY_CLASS, Changed(a_class()))
    route, gateway = made(ROUTE, "r", spec={}), made(GATEWAY, "g", spec={})
    run.lists(ROUTE, route)
    run.take(ROUTE, Changed(made(ROUTE, "r", spec={"rules": []})))
    *others, last = [kind for kind in GATED if kind not in {ROUTE, GATEWAY}]
    for kind in others:
        run.take(kind, Missing() if kind.optional else Listed({}))
    run.take(last, Failing("no answer", 9))
    run.lists(GATEWAY, gateway)
    assert not {route.key, gateway.key} & run.records.keys()
    run.take(last, Forbidden("no"))
    assert {route.key, gateway.key} <= run.records.keys()
    assert orjson.loads(run.records[route.key].body)["spec"] == {"rules": []}
    run.take(ROUTE, Gone(route.key))
    assert route.key not in run.records


def test_why_what_a_class_opens_is_not_told_yet_is_told() -> None:
    run = Run()
    run.lists_all()
    run.take(GATEWAY_CLASS, Changed(a_class()))
    run.take(POLICY, Failing("conversion webhook: no answer", 9))
    (told,) = [record for key, record in run.records.items() if key.startswith("dragoman/")]
    assert "conversion webhook: no answer" in orjson.loads(told.body)["message"]
    run.lists_all(a_class())
    assert not [key for key in run.records if key.startswith("dragoman/")]


def test_what_is_not_told_yet_stays_when_the_right_to_see_it_is_taken_back() -> None:
    run = Run()
    run.lists_all()
    run.take(GATEWAY_CLASS, Changed(a_class()))
    gateway = made(GATEWAY, "g", spec={})
    run.lists(GATEWAY, gateway)
    run.take(GATEWAY, Forbidden("no more"))
    for kind in GATED:
        if kind is not GATEWAY:
            run.lists(kind)
    assert gateway.key in run.records


def test_of_what_is_not_told_yet_the_last_is_kept() -> None:
    """A kind that cannot be seen may keep the others waiting for long."""
    opening = Opening()
    opening.begin([Target(ROUTE), Target(POLICY)])
    source, record = Target(ROUTE).source, made(ROUTE, "r", spec={}).record
    gone = ObjectGone(source, "b")
    opening.pass_on(Target(ROUTE), [Listed({})], [SourceListed(source, {})])
    for key in ("a", "b") * 100:
        change = ObjectChanged(source, key, record)
        assert opening.pass_on(Target(ROUTE), [Changed(made(ROUTE, "r", spec={}))], [change]) == []
    opening.pass_on(Target(ROUTE), [Gone("b")], [gone])
    told = opening.pass_on(Target(POLICY), [Missing()], [])
    assert told == [SourceListed(source, {}), ObjectChanged(source, "a", record), gone]


def test_a_watcher_that_is_started_anew_goes_on_with_what_it_had_whatever_it_may_see_now() -> None:
    first = Run()
    first.lists(GATEWAY_CLASS, a_class())
    gateway = made(GATEWAY, "g", spec={})
    first.lists_all(a_class(), gateway)
    second = Run(first.records)
    assert second.watched == first.watched
    for kind in (HOST, SECRET, *GATED):
        second.lists(kind, *([gateway] if kind is GATEWAY else []))
    second.take(GATEWAY_CLASS, Forbidden("no more"))
    assert gateway.key in second.records
    third = Run({key: record for key, record in first.records.items() if "GatewayClass" not in key})
    third.lists_all()
    assert third.cluster.complete
    assert gateway.key not in third.records, "nobody wants it from us any more"


def test_a_class_in_a_file_beside_the_cluster_counts() -> None:
    for controller, opened in ((CONTROLLER, set(GATED)), ("example.com/other", set())):
        found = a_class(controller)
        assert Run(beside={found.key: found.record}).watched == {HOST, SECRET, GATEWAY_CLASS, *opened}


def test_of_a_namespace_the_labels_are_kept_whatever_selectors_choose() -> None:
    document = {
        "metadata": {"name": "n", "labels": {"a": "b"}, "annotations": {"c": "d"}, "resourceVersion": "1"},
        "spec": {"finalizers": ["kubernetes"]},
        "status": {"phase": "Active"},
    }
    found = seen(NAMESPACE, document)
    assert (found.key, found.live) == ("core/Namespace//n", None)
    assert orjson.loads(found.record.body) == {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": "n", "labels": {"a": "b"}},
    }
    chosen = replace(Settings(), label_selector="team=a", field_selector="metadata.name!=x")
    params = {target.kind.name: target.params for target in targets_of(chosen)}
    assert params["Namespace"] == {}
    assert params["Gateway"] == {"labelSelector": "team=a", "fieldSelector": "metadata.name!=x"}


def test_where_only_some_namespaces_are_watched_nothing_of_gateway_api_is() -> None:
    watched = {target.kind for target in targets_of(replace(Settings(), namespaces=("a",)))}
    assert watched.isdisjoint(GATEWAY_KINDS)
    assert {target.kind for target in targets_of(Settings())} >= set(GATEWAY_KINDS)


def test_where_one_gateway_is_served_and_nothing_else_no_routes_of_others_are_watched() -> None:
    watched = {target.kind for target in targets_of(replace(Settings(), gateway="own/web", knative=True))}
    assert watched >= set(GATEWAY_KINDS)
    others = {kind for kind in watched if kind not in GATEWAY_KINDS}
    assert {kind.name for kind in others if not kind.group.startswith("getambassador.io")} == {
        "EndpointSlice",
        "Secret",
        "Service",
    }
    assert {f"{kind.group}/{kind.name}" for kind in others if kind.group == "getambassador.io"} == BESIDE_ONE


# What is named


def listener(*references: dict[str, Any]) -> dict[str, Any]:
    return {"listeners": [{"name": "https", "tls": {"certificateRefs": list(references)}}]}


def test_secrets_that_gateways_name_are_published_and_no_others() -> None:
    run = Run()
    run.lists(GATEWAY_CLASS, a_class())
    wanted = [made(SECRET, name, type="kubernetes.io/tls", data={"tls.crt": "eA=="}) for name in ("a", "b", "c")]
    elsewhere = made(SECRET, "d", "other", type="kubernetes.io/tls", data={})
    idle = made(SECRET, "idle", type="kubernetes.io/tls", data={})
    gateway = made(
        GATEWAY,
        "g",
        spec=listener({"name": "a"}, {"name": "d", "namespace": "other"}, {"name": "idle", "kind": "ConfigMap"})
        | {"tls": {"backend": {"clientCertificateRef": {"name": "b", "kind": "Secret", "group": ""}}}},
    )
    run.lists_all(a_class(), *wanted, elsewhere, idle, gateway, made(SET, "s", spec=listener({"name": "c"})))
    assert {key for key in run.records if "/Secret/" in key} == {each.key for each in (*wanted, elsewhere)}


def test_config_maps_are_watched_by_their_names_and_only_their_ca_is_kept() -> None:
    run = Run()
    run.lists(GATEWAY_CLASS, a_class())
    policy = made(POLICY, "p", spec={"validation": {"caCertificateRefs": [CA], "hostname": "x"}})
    frontend = {"default": {"validation": {"caCertificateRefs": [{**CA, "namespace": "other"}]}}}
    run.lists_all(a_class(), policy, made(GATEWAY, "g", spec={"tls": {"frontend": frontend}}))
    assert run.named == {("ConfigMap", "own", "ca"), ("ConfigMap", "other", "ca")}
    assert not run.cluster.complete, "what is named is waited for"
    found = made(CONFIG_MAP, "ca", data={"ca.crt": "PEM", "more": "x" * 1000}, binaryData={"a": "eA=="})
    run.lists(CONFIG_MAP, found, namespace="own", name="ca")
    run.lists(CONFIG_MAP, namespace="other", name="ca")
    assert run.cluster.complete
    assert orjson.loads(run.records[found.key].body)["data"] == {"ca.crt": "PEM"}
    run.take(POLICY, Gone(policy.key))
    assert run.named == {("ConfigMap", "other", "ca")}
    assert found.key not in run.records


def test_a_config_map_that_may_not_be_read_is_told_and_nobody_waits() -> None:
    run = Run()
    run.lists(GATEWAY_CLASS, a_class())
    run.lists_all(a_class(), made(POLICY, "p", spec={"validation": {"caCertificateRefs": [CA]}}))
    run.take(CONFIG_MAP, Forbidden("configmaps is forbidden"), namespace="own", name="ca")
    assert run.cluster.complete
    told = orjson.loads(run.records["dragoman/Watch//configmaps"].body)["message"]
    assert told == "the ConfigMap own/ca may not be read: configmaps is forbidden"


def test_of_very_many_config_maps_of_a_namespace_the_first_are_watched_and_no_other_namespace_has_less() -> None:
    run = Run()
    run.lists(GATEWAY_CLASS, a_class())
    names = [f"n{number:03}" for number in range(MOST_OF_A_NAMESPACE + 1)]
    policies = [
        made(POLICY, f"p{start}", spec={"validation": {"caCertificateRefs": [CA | {"name": n} for n in names[start:]]}})
        for start in (0, 60)
    ]
    run.lists_all(a_class(), *policies, made(POLICY, "p", "other", spec={"validation": {"caCertificateRefs": [CA]}}))
    assert run.named == {("ConfigMap", "own", name) for name in names[:-1]} | {("ConfigMap", "other", "ca")}
    for _, namespace, name in run.named:
        run.lists(CONFIG_MAP, namespace=namespace, name=name)
    assert run.cluster.complete
    told = orjson.loads(run.records["dragoman/Watch//configmaps"].body)["message"]
    assert told == f"the ConfigMap own/{names[-1]} is not read: 64 others are"
    run.take(POLICY, Gone(policies[0].key))
    assert ("ConfigMap", "own", names[-1]) in run.named
    run.lists(CONFIG_MAP, namespace="own", name=names[-1])
    assert "dragoman/Watch//configmaps" not in run.records


def test_who_names_very_many_of_another_namespace_takes_none_of_its_own_away() -> None:
    run = Run()
    run.lists(GATEWAY_CLASS, a_class())
    many = [CA | {"name": f"a{number:03}", "namespace": "own"} for number in range(200)]
    frontend = {"default": {"validation": {"caCertificateRefs": many}}}
    stranger = made(GATEWAY, "g", "stranger", spec={"gatewayClassName": "some", "tls": {"frontend": frontend}})
    run.lists_all(a_class(), stranger, made(POLICY, "p", spec={"validation": {"caCertificateRefs": [CA]}}))
    assert ("ConfigMap", "own", "ca") in run.named
    assert len(run.named) == MOST_OF_A_NAMESPACE + 1


@pytest.mark.parametrize(
    "reference",
    [
        {"kind": "ConfigMap", "group": "example.com", "name": "x"},
        {"kind": "Secret", "group": "", "name": "x"},
        {"kind": "ConfigMap", "name": "../x"},
        {"kind": "ConfigMap", "name": 5},
        {"kind": "ConfigMap", "name": "x", "namespace": "a/b"},
        "x",
        None,
    ],
)
def test_what_names_no_config_map_is_not_asked_for(reference: object) -> None:
    body = orjson.dumps({"spec": {"validation": {"caCertificateRefs": [reference]}}})
    assert named_by_gateway_api("ConfigMap", "own", body) == frozenset()
    assert named_by_gateway_api("ConfigMap", "own", orjson.dumps({"spec": {"caCertificateRefs": reference}})) == set()
