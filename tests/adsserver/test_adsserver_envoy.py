"""The adsserver between a snapshot and a real Envoy: what is served, and what a refusal touches."""

import socket
import stat
import time

import grpc
import httpx
import pytest

from adsserver.server import METHOD, SERVICE
from tests.adsserver.served import ask, small_world, wait_answer
from tests.support.adsserver import Adsserver
from tests.support.certificates import authority
from tests.support.envoy import RealEnvoy, free_port, wait_until
from tests.support.resources import cluster, direct, endpoints, keyed, listener, record, routes, secret

pytestmark = pytest.mark.envoy


def test_a_changed_route_is_served_and_told(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    changed = routes("main", direct("/", "two"))
    ads.publish({"route/main": changed})
    wait_answer(port, "two")
    ads.wait_accepted("route/main", changed)
    notes = ads.ack("route/main")
    assert abs(notes["accepted_at"] - time.time()) < 60
    assert (notes["refused"], notes["message"]) == (None, "")
    assert ads.ack("stream")["connected"] is True
    assert ads.ack("stream")["node"] == "test"


def test_envoy_does_not_go_live_before_the_first_publication(ads: Adsserver, envoy: RealEnvoy) -> None:
    """An empty snapshot means that nothing is known, not that there is nothing."""
    envoy.wait_admin()
    wait_until(lambda: ads.ack("stream").get("connected"))
    assert not envoy.is_live()
    assert envoy.stats("cds.update_success") == {"cluster_manager.cds.update_success": 0}
    ads.replace({})
    envoy.wait_live()


def test_a_refused_route_configuration_is_held_back_alone(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, other = free_port(), free_port()
    ads.replace(
        small_world(port)
        | keyed(
            listener={"other": listener("other", other, rds="other")},
            route={"other": routes("other", direct("/", "other one"))},
        )
    )
    wait_answer(port, "one")
    wait_answer(other, "other one")
    bad = routes("main", direct("/", "two", status=9999))
    ads.publish({"route/main": bad, "route/other": routes("other", direct("/", "other two"))})
    assert "DirectResponseActionValidationError.Status" in ads.wait_refused("route/main", bad)
    wait_answer(other, "other two")
    assert ask(port) == "one"
    fixed = routes("main", direct("/", "three"))
    ads.publish({"route/main": fixed})
    wait_answer(port, "three")
    ads.wait_accepted("route/main", fixed)
    assert ads.ack("route/main")["refused"] is None


def test_a_refused_cluster_among_good_ones_is_found(ads: Adsserver, envoy: RealEnvoy) -> None:
    """One field that breaks Envoy's rules makes it drop a whole response; all others arrive nevertheless."""
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    names = [f"new-{number}" for number in range(40)]
    bad = cluster("new-17", connect_ms=0)
    changes = keyed(
        cluster={name: cluster(name) for name in names} | {"new-17": bad}, endpoint={n: endpoints(n, 9) for n in names}
    )
    ads.publish(changes)
    assert "ConnectTimeout" in ads.wait_refused("cluster/new-17", bad)
    for name in names:
        if name != "new-17":
            ads.wait_accepted(f"cluster/{name}", changes[f"cluster/{name}"])
    active = {entry["cluster"]["name"] for entry in envoy.config("dynamic_active_clusters")}
    assert active == {"a", *names} - {"new-17"}
    fixed = cluster("new-17")
    ads.publish({"cluster/new-17": fixed})
    ads.wait_accepted("cluster/new-17", fixed)


def test_a_refused_listener_leaves_the_old_one_and_its_neighbours(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, other = free_port(), free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    bad = listener("main", 70000, rds="main")
    ads.publish({"listener/main": bad, "listener/other": listener("other", other, rds="main")})
    assert "PortValue" in ads.wait_refused("listener/main", bad)
    wait_answer(other, "one")
    assert ask(port) == "one"


def test_a_new_listener_may_take_the_port_of_one_that_goes(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    renamed = listener("renamed", port, rds="renamed")
    new = {"listener/renamed": renamed, "route/renamed": routes("renamed", direct("/", "renamed"))}
    ads.publish({"listener/main": None, "route/main": None, **new})
    wait_answer(port, "renamed")
    ads.wait_accepted("listener/renamed", renamed)
    wait_until(lambda: not ads.ack("listener/main"), what="the old listener forgotten")


def test_a_listener_whose_port_was_taken_comes_when_it_is_free(ads: Adsserver, envoy: RealEnvoy) -> None:
    port = free_port()
    ads.replace(small_world(port))
    wait_answer(port, "one")
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        taken = squatter.getsockname()[1]
        wanted = listener("late", taken, rds="main")
        ads.publish({"listener/late": wanted})
        assert "Address already in use" in ads.wait_refused("listener/late", wanted)
    ads.wait_accepted("listener/late", wanted)
    assert ask(taken) == "one"


def test_a_bad_certificate_leaves_the_old_one_and_tells_no_key(ads: Adsserver, envoy: RealEnvoy) -> None:
    port, pair = free_port(), authority().sign("test.example")
    good = secret("pair", pair.certificate, pair.key)
    ads.replace(
        small_world(free_port())
        | keyed(listener={"tls": listener("tls", port, rds="main", sds="pair")}, secret={"pair": good})
    )
    ads.wait_accepted("secret/pair", good)
    bad = secret(
        "pair", pair.certificate, b"-----BEGIN PRIVATE KEY-----\nVEhJU0lTVEhFS0VZ\n-----END PRIVATE KEY-----\n"
    )
    ads.publish({"secret/pair": bad})
    assert "private key" in ads.wait_refused("secret/pair", bad)
    spoilt = record(bad.body + b"\xff\xff")
    ads.publish({"secret/pair": spoilt})
    assert "unpack" in ads.wait_refused("secret/pair", spoilt)
    told = ads.log() + "".join(str(each.notes) for each in ads.acks().values())
    assert "VEHJU0lT" not in told.upper()
    assert "VEhJU0lT" not in told
    answer = httpx.get(f"https://127.0.0.1:{port}/", verify=False)
    assert answer.text == "one"


def test_only_delta_ads_is_served_and_only_to_us(ads: Adsserver) -> None:
    assert stat.S_IMODE(ads.socket.stat().st_mode) == 0o600
    service = SERVICE
    with grpc.insecure_channel(f"unix:{ads.socket}") as channel:
        for method in (
            f"/{service}/StreamAggregatedResources",
            "/envoy.service.cluster.v3.ClusterDiscoveryService/FetchClusters",
        ):
            with pytest.raises(grpc.RpcError) as raised:
                channel.unary_unary(method)(b"", timeout=10)
            assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        with pytest.raises(grpc.RpcError) as raised:
            list(channel.stream_stream(f"/{service}/{METHOD}")(iter([b"\xff"]), timeout=10))
        assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
