"""Envoy's statistics: sent to a statsd, and with every name of somebody's in a label."""

import re
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support import plain
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import LISTENERS, Gateway
from tests.support.objects import an_object, endpoint_slice, host, mapping, service, tls_secret
from tests.support.ports import unused_port
from tests.support.promql import QUESTIONS, named
from tests.support.statsd import StatsdSink
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "statistics.test"


@pytest.mark.parametrize(
    ("environ", "pattern"),
    [
        ({}, r"envoy\.cluster\.ip/127_0_0_1_\d+\.upstream_rq_total:\d+\|c"),
        (
            {"DOGSTATSD": "true", "DD_ENTITY_ID": "pod-1"},
            r"envoy\.cluster\.upstream_rq_total:\d+\|c\|#(?=.*envoy\.cluster_name:ip/127_0_0_1_\d+)(?=.*dd\.internal\.entity_id:pod-1).*",
        ),
    ],
    ids=["statsd", "dogstatsd"],
)
def test_statistics_are_sent_to_a_statsd(environ: Mapping[str, str], pattern: str, red: HttpUpstream) -> None:
    with StatsdSink() as sink:
        settings = {
            "STATSD_ENABLED": "true",
            "STATSD_HOST": "127.0.0.1",
            "STATSD_PORT": str(sink.port),
            "STATSD_FLUSH_INTERVAL": "0.2",
            **environ,
        }
        with Gateway(environ=settings) as gateway:
            gateway.apply("statistics", host(NAME, NAME) + mapping(NAME, NAME, red.service))
            gateway.wait_served(NAME)
            wait_until(lambda: any(re.fullmatch(pattern, line) for line in list(sink.lines)), what="the statistic")


def test_a_statsd_that_is_not_there_costs_its_statistics_alone(red: HttpUpstream) -> None:
    with Gateway(environ={"STATSD_ENABLED": "true", "STATSD_HOST": "statsd.invalid"}) as gateway:
        gateway.apply("statistics", host(NAME, NAME) + mapping(NAME, NAME, red.service))
        gateway.wait_served(NAME)
        gateway.wait_logged("no statistics are sent: STATSD_HOST, statsd.invalid, has no address")


def families(gateway: Gateway) -> set[str]:
    lines = gateway.diagnostics("/metrics").text.splitlines()
    return {re.split(r"[{ ]", line, maxsplit=1)[0] for line in lines if line and not line.startswith("#")}


def test_names_are_labels_and_no_service_has_a_family_of_its_own(gateway: Gateway, red: HttpUpstream) -> None:
    port = unused_port()
    pair = authority().sign(NAME)
    texts = tls_secret("dot.ted.secret", pair.certificate, pair.key)
    texts += host(NAME, NAME, tlsSecret={"name": "dot.ted.secret", "namespace": "default"})
    texts += mapping("an-address", NAME, red.service, "/address/")
    texts += mapping("a-name", NAME, f"localhost.localdomain:{red.port}", "/name/")
    texts += mapping("a-service", NAME, "kept.default:80", "/service/") + service("kept", {"http": 80})
    texts += endpoint_slice("kept-1", "kept", {"http": red.port}, {"addresses": ["127.0.0.1"]})
    texts += mapping("named", NAME, red.service, "/named/", stats_name="my.own.name")
    texts += an_object("TCPMapping", "tcp", {"port": port, "service": red.service})
    spec = {"protocol": "HTTP", "securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    extra = unused_port()
    texts += an_object("Listener", "dot.ted.listener", {"port": extra, "statsPrefix": "pre.fix", **spec})
    with gateway.applied("statistics", texts):
        for path in ("/address/", "/service/", "/named/"):
            gateway.wait_served(NAME, path)
        gateway.wait_served(NAME, "/address/", tls=True)
        wait_until(lambda: plain.get(f"http://127.0.0.1:{port}/").status_code == 200, what="TCP")
        asked = {"host": NAME}
        wait_until(lambda: plain.get(f"http://127.0.0.1:{extra}/address/", headers=asked).is_success, what="HTTP")
        odd = re.compile(
            r"127|_0_0_1|localdomain|kept_|own_name|secret_|ted_listener|_fix_|statistics_|" + str(red.port)
        )
        assert {name for name in families(gateway) if odd.search(name)} == set()
        text = gateway.diagnostics("/metrics").text
    assert f'envoy_cluster_name="ip/127_0_0_1_{red.port}"' in text
    assert f'envoy_cluster_name="dns/localhost_localdomain_{red.port}"' in text
    assert 'envoy_cluster_name="my_own_name"' in text
    assert 'envoy_http_conn_manager_prefix="pre_fix"' in text
    assert 'envoy_secret="default/dot.ted.secret"' in text


def number(gateway: Gateway, name: str) -> float:
    """The value of a metric, 0 where it is not told."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", gateway.diagnostics("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_how_long_a_change_took_is_measured_from_the_edit_to_envoys_answer(gateway: Gateway, red: HttpUpstream) -> None:
    gateway.apply("statistics", host(NAME, NAME) + mapping(NAME, NAME, red.service))
    gateway.wait_served(NAME)
    wait_until(lambda: number(gateway, "dragoman_change_seconds_count") > 0, what="the first change is counted")
    counted = number(gateway, "dragoman_change_seconds_count")
    edited = time.time()
    with gateway.applied("statistics", host(NAME, NAME) + mapping(NAME, NAME, red.service, "/elsewhere/")):
        gateway.wait_served(NAME, "/elsewhere/")
        wait_until(lambda: number(gateway, "dragoman_change_seconds_count") > counted, what="the change is counted")
        wait_until(
            lambda: number(gateway, "dragoman_last_change_timestamp_seconds") >= edited,
            what="the change, and not one that was before it",
        )
        served = number(gateway, "dragoman_last_change_timestamp_seconds")
        wait_until(lambda: number(gateway, 'dragoman_unanswered_resources{type="route"}') == 0, what="all is answered")
    assert edited <= served <= time.time()
    assert 0 < number(gateway, "dragoman_change_seconds_sum") < 600


def test_what_envoy_has_no_use_for_is_not_waited_for(red: HttpUpstream) -> None:
    """The filters of listeners that are gone are configured all the same, and nobody asks for that any more."""
    module = {"config": {"gzip": {"min_content_length": 1000}}}
    compressor = "extension/envoy.filters.http.compressor"
    with Gateway(environ={"AMBASSADOR_DRAIN_TIME": "1"}) as gateway:

        def told() -> dict[str, Any]:
            found: dict[str, Any] = gateway.diag()["resources"]
            return found

        before = told()[compressor]["published"]
        gateway.remove("listeners")
        wait_until(
            lambda: not [key for key in told() if key.startswith(("listener/", "route/"))],
            what="the listeners gone, with all that they had",
        )
        gateway.apply("module", an_object("Module", "ambassador", module))
        row = wait_until(
            lambda: (found := told()[compressor])["published"] != before and not found["asked_for"] and found,
            what="the filter's configuration told as unused",
        )
        assert row["published"] != row["accepted"]
        assert number(gateway, 'dragoman_unanswered_resources{type="extension"}') == 0
        gateway.apply("listeners", LISTENERS.format(http=gateway.http_port, https=gateway.https_port))
        row = wait_until(
            lambda: (found := told()[compressor])["asked_for"] and found["accepted"] == found["published"] and found,
            what="the filter's configuration asked for again",
        )
        assert row["refused"] is None


def test_a_team_sees_which_object_of_its_own_is_stopped(gateway: Gateway) -> None:
    stopped = 'dragoman_object_problems{kind="Mapping",object_name="wrong",object_namespace="default",stops="true"}'
    with gateway.applied("wrong", mapping("wrong", NAME, "somewhere:99999")):
        wait_until(lambda: number(gateway, stopped) == 1, what="the object is named")
    wait_until(lambda: number(gateway, stopped) == 0, what="it is named no longer")


def test_what_is_nothing_for_every_cluster_is_not_gathered(gateway: Gateway, red: HttpUpstream) -> None:
    texts = (
        host(NAME, NAME) + mapping("a-service", NAME, "kept.default:80", "/service/") + service("kept", {"http": 80})
    )
    texts += endpoint_slice("kept-1", "kept", {"http": red.port}, {"addresses": ["127.0.0.1"]})
    with gateway.applied("statistics", texts):
        gateway.wait_served(NAME, "/service/")
        found = families(gateway)
    assert {
        "envoy_cluster_membership_healthy",
        "envoy_cluster_update_success",
        "envoy_cluster_lb_healthy_panic",
    } <= found
    assert {"envoy_cluster_upstream_rq_total", "envoy_cluster_upstream_cx_active"} <= found
    empty = re.compile(r"envoy_cluster_(assignment_|lb_(subsets|zone|local|recalculate)_|update_duration)")
    assert {name for name in found if empty.match(name)} == set()


def test_every_metric_that_alerts_and_boards_ask_for_is_there(gateway: Gateway, red: HttpUpstream) -> None:
    """Envoy tells some only when there was something to count: it is asked until then."""
    pair = authority().sign(NAME)
    texts = tls_secret("boards", pair.certificate, pair.key) + host(NAME, NAME, tlsSecret={"name": "boards"})
    texts += mapping("red", NAME, red.service, "/red/") + mapping("wrong", NAME, "somewhere:99999", "/wrong/")
    wanted = {metric for question in QUESTIONS.values() for metric in named(question)}
    missing = wanted

    def all_are_there() -> bool:
        nonlocal missing
        text = gateway.diagnostics("/metrics").text
        missing = wanted - set(re.findall(r"^(?:# TYPE )?(\w+)", text, re.MULTILINE))
        return not missing

    with gateway.applied("boards", texts):
        gateway.wait_served(NAME, "/red/", tls=True)
        wait_until(all_are_there, 40, what=lambda: str(missing))
