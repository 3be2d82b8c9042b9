"""Whom a refusal finds, whenever it comes: late, with nothing accepted before it, or beside a bug of ours."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from tests.support.certificates import Pair, authority
from translator.memory import SETTLED_AFTER
from translator.options import Options
from translator.publication import Publication
from translator.quarantine import Hold, Verdict
from translator.translation import Translation

GROUP = "getambassador.io"
LISTENER, ROUTES = "listener/default/l", "route/default/l/cleartext"


def an_object(kind: str, name: str, spec: dict[str, Any]) -> dict[str, bytes | None]:
    metadata = {"name": name, "namespace": "default"}
    document = {"apiVersion": f"{GROUP}/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return {f"{GROUP}/{kind}/default/{name}": orjson.dumps(document)}


def mapping(number: int, before: str = "") -> dict[str, bytes | None]:
    spec = {"hostname": "*", "prefix": f"/{before}m{number}/", "service": f"10.0.0.{number + 1}:80"}
    return an_object("Mapping", f"m{number}", spec)


def key_of(number: int) -> str:
    return f"{GROUP}/Mapping/default/m{number}"


BOUND = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
WORLD = an_object("Listener", "l", {"port": 8080, "protocol": "HTTP", **BOUND}) | an_object(
    "Host", "h", {"hostname": "*", "requestPolicy": {"insecure": {"action": "Route"}}}
)


class Envoy:
    """Refuses resources that `is_bad` says no to; answers when it is asked to, and only with what is new."""

    def __init__(self, is_bad: Callable[[str, bytes], str | None], options: Options | None = None) -> None:
        self.translation = Translation(options or Options(), {})
        self.is_bad = is_bad
        self.verdicts: dict[str, Verdict] = {}
        self.statuses: dict[str, dict[str, Any]] = {}
        self.holds: dict[str, Hold] = {}

    def take(self, publication: Publication) -> None:
        assert publication.failures == []
        self.holds |= {key: row for key, row in publication.holds.items() if row}
        self.statuses |= {key: row.json() for key, row in publication.statuses.items() if row}

    def change(self, now: float, objects: dict[str, bytes | None]) -> None:
        self.take(self.translation.objects_changed(now, objects))

    def time_passed(self, now: float) -> None:
        self.take(self.translation.time_passed(now))

    def answer(self, now: float) -> None:
        for _ in range(20):
            verdicts: dict[str, Verdict | None] = {}
            for key, row in self.translation.resources().items():
                said = self.verdicts.get(key, Verdict(None, None))
                if row.version in {said.accepted, said.refused}:
                    continue
                why = self.is_bad(key, row.body)
                verdicts[key] = self.verdicts[key] = (
                    Verdict(row.version, None) if why is None else Verdict(said.accepted, row.version, why)
                )
            if not verdicts:
                return
            self.take(self.translation.verdicts_changed(now, verdicts))
        raise AssertionError("no end")

    def stopped(self) -> set[str]:
        return {key for key, row in self.statuses.items() if row["state"] != "ok"}

    def serves(self, text: bytes) -> bool:
        row = self.translation.resources()[ROUTES]
        return text in row.body and self.verdicts[ROUTES].accepted == row.version


def refuses(text: bytes) -> Callable[[str, bytes], str | None]:
    return lambda key, body: "boom" if key == ROUTES and text in body else None


@pytest.mark.parametrize("late", [1.0, 4.0, 3600.0])
@pytest.mark.parametrize("is_connected", [True, False])
def test_a_first_answer_that_comes_late_finds_the_guilty_one(late: float, is_connected: bool) -> None:
    envoy = Envoy(refuses(b"/m2/"))
    envoy.translation.stream_changed(0.0, connected=is_connected)
    envoy.change(0.0, WORLD | mapping(0) | mapping(1) | mapping(2) | mapping(3))
    envoy.time_passed(late)
    envoy.translation.stream_changed(late, connected=True)
    envoy.answer(late)
    assert envoy.stopped() == {key_of(2)}
    assert envoy.statuses[key_of(2)]["problems"][0]["message"] == f"Envoy refused the route {ROUTES[6:]}: boom"
    assert envoy.serves(b"/m3/")
    assert not envoy.serves(b"/m2/")


def test_a_later_change_that_is_answered_late_finds_the_guilty_one_and_no_innocent_is_convicted_after_it() -> None:
    envoy = Envoy(refuses(b"/m2/"))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0) | mapping(1))
    envoy.answer(0.5)
    envoy.change(10.0, mapping(2))
    envoy.time_passed(12.5)
    envoy.answer(13.0)
    assert envoy.stopped() == {key_of(2)}
    envoy.time_passed(20.0)
    envoy.change(30.0, mapping(1, "new-"))
    envoy.answer(30.2)
    assert envoy.stopped() == {key_of(2)}
    assert envoy.serves(b"/new-m1/")


def test_a_late_refusal_gives_the_last_good_version_back() -> None:
    envoy = Envoy(refuses(b"/bad-m1/"))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0) | mapping(1))
    envoy.answer(0.5)
    envoy.change(10.0, mapping(1, "bad-"))
    envoy.time_passed(12.5)
    envoy.time_passed(3600.0)
    envoy.answer(3600.0)
    assert envoy.stopped() == {key_of(1)}
    assert envoy.serves(b"/m1/")


def test_what_time_alone_has_proven_is_suspected_and_never_given_back_in_its_own_place() -> None:
    """A route that Envoy asked for only now, for its listener was answered long ago."""
    envoy = Envoy(refuses(b"/m2/"))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0) | mapping(1) | mapping(2))
    for key, row in envoy.translation.resources().items():
        if key != ROUTES:
            envoy.verdicts[key] = Verdict(row.version, None)
    envoy.take(envoy.translation.verdicts_changed(0.1, dict(envoy.verdicts)))
    envoy.time_passed(0.2 + SETTLED_AFTER)
    envoy.change(5.0, mapping(3))
    envoy.answer(6.0)
    assert envoy.stopped() == {key_of(2)}
    assert envoy.serves(b"/m3/")


def test_a_mapping_that_envoy_sees_only_when_a_listener_comes_is_found_then() -> None:
    envoy = Envoy(refuses(b"/m2/"))
    envoy.translation.stream_changed(0.0, connected=True)
    listener = {key: body for key, body in WORLD.items() if "/Listener/" in key}
    envoy.change(0.0, {key: body for key, body in WORLD.items() if key not in listener} | mapping(1) | mapping(2))
    envoy.answer(0.1)
    envoy.time_passed(3.0)
    envoy.change(4.0, listener)
    envoy.answer(4.1)
    assert envoy.stopped() == {key_of(2)}
    assert envoy.serves(b"/m1/")


def test_what_a_new_envoy_refuses_though_another_accepted_it_is_not_said_to_be_served() -> None:
    envoy = Envoy(lambda *_: None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(1))
    envoy.answer(0.1)
    version = envoy.translation.resources()[ROUTES].version
    envoy.take(envoy.translation.verdicts_changed(9.0, {ROUTES: Verdict(version, version, "boom")}))
    (problem,) = envoy.statuses[f"{GROUP}/Host/default/h"]["problems"]
    assert (problem["message"], problem["stops"]) == (f"Envoy refused the route {ROUTES[6:]}: boom", True)


def test_a_listener_whose_address_is_in_use_is_told_so_and_stays_published_until_it_can_be_had() -> None:
    busy = "error adding listener: cannot bind '0.0.0.0:8080': Address already in use"
    envoy = Envoy(lambda key, _: busy if key == LISTENER else None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0))
    envoy.answer(0.1)
    listener = f"{GROUP}/Listener/default/l"
    assert envoy.stopped() == {listener}
    told = envoy.statuses[listener]
    assert (told["state"], busy in told["problems"][0]["message"]) == ("stopped", True)
    assert "keeps serving" not in told["problems"][0]["message"]
    envoy.time_passed(10.0)
    envoy.change(11.0, mapping(1))
    envoy.answer(11.1)
    assert envoy.stopped() == {listener}
    envoy.is_bad, envoy.verdicts = lambda *_: None, {}
    envoy.answer(20.0)
    assert envoy.stopped() == set()


def test_a_listener_that_changes_while_its_address_is_in_use_is_not_blamed_for_ever() -> None:
    envoy = Envoy(lambda key, _: "cannot bind '0.0.0.0:8080'" if key == LISTENER else None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0))
    envoy.answer(0.1)
    envoy.is_bad = lambda *_: None
    proxied = {"port": 8080, "protocolStack": ["PROXY", "HTTP", "TCP"], **BOUND}
    envoy.change(1.0, an_object("Listener", "l", proxied))
    envoy.answer(1.1)
    assert envoy.stopped() == set()


def test_a_bug_of_ours_in_a_verdict_harms_no_other_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    envoy = Envoy(refuses(b"/m1/"))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, WORLD | mapping(0) | mapping(1))
    provenance = envoy.translation.pipeline.provenance
    right = provenance._of

    def wrong(key: str) -> tuple[str, ...]:
        if key.startswith("cluster/"):
            raise ValueError(key)
        return right(key)

    monkeypatch.setattr(provenance, "_of", wrong)
    cluster = next(key for key in envoy.translation.resources() if key.startswith("cluster/"))
    envoy.is_bad = lambda key, body: "no" if key == cluster else refuses(b"/m1/")(key, body)
    envoy.answer(1.0)
    envoy.time_passed(10.0)
    assert envoy.stopped() == {key_of(1)}
    assert [*envoy.translation.take_failures()] == [cluster]
    assert envoy.translation.take_failures() == {}
    monkeypatch.setattr(envoy.translation, "_judge", wrong)
    verdicts: dict[str, Verdict | None] = {cluster: Verdict("v", None), ROUTES: Verdict("v", None)}
    envoy.take(envoy.translation.verdicts_changed(11.0, verdicts))
    assert envoy.translation.take_failures().keys() == verdicts.keys()


PAIR = authority().sign("h.test")
OTHER = authority().sign("other.test")
SECRET = "core/Secret/default/tls"
USERS = {
    "Host": {"hostname": "h.test", "tlsSecret": {"name": "tls"}},
    "TLSContext": {"secret": "tls"},
    "TCPMapping": {"port": 8080, "host": "h.test", "service": "10.0.0.1"},
    "Mapping": {"hostname": "h.test", "prefix": "/", "service": "https://10.0.0.1", "tls": "u"},
}


def secret(made: Pair) -> dict[str, bytes | None]:
    data = {"tls.crt": made.certificate, "tls.key": made.key}
    return {SECRET: orjson.dumps({"data": {name: b64encode(value).decode() for name, value in data.items()}})}


def with_secret(made: Pair) -> dict[str, bytes | None]:
    """A Secret, and every kind that can need it."""
    objects = dict(WORLD | secret(made))
    for kind, spec in USERS.items():
        objects |= an_object(kind, "u", spec)
    return objects


def refuses_secret(made: Pair) -> Callable[[str, bytes], str | None]:
    return lambda key, body: "BAD SECRET" if key == "secret/default/tls" and made.certificate in body else None


def said_of(envoy: Envoy, kind: str) -> tuple[str, str]:
    """The state of the object of a kind, and what is told of it."""
    row = envoy.statuses[f"{GROUP}/{kind}/default/u"]
    return row["state"], "; ".join(problem["message"] for problem in row["problems"])


def test_whoever_needs_a_refused_secret_says_why_envoy_refused_it() -> None:
    envoy = Envoy(refuses_secret(PAIR))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, with_secret(PAIR))
    envoy.answer(0.1)
    for kind in USERS:
        state, said = said_of(envoy, kind)
        assert state == "stopped", kind
        assert "Envoy refused the secret default/tls: BAD SECRET" in said, kind
    envoy.change(1.0, secret(OTHER))
    envoy.answer(1.1)
    assert {kind: said_of(envoy, kind) for kind in USERS} == dict.fromkeys(USERS, ("ok", ""))


def test_while_the_last_good_version_serves_its_users_are_warned() -> None:
    envoy = Envoy(refuses_secret(OTHER))
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, with_secret(PAIR))
    envoy.answer(0.1)
    envoy.change(1.0, secret(OTHER))
    envoy.answer(1.1)
    assert PAIR.certificate in envoy.translation.resources()["secret/default/tls"].body
    for kind in ("Host", "TLSContext"):
        state, said = said_of(envoy, kind)
        assert state == "warned"
        assert "which is not used as it is now: Envoy refused the secret default/tls: BAD SECRET" in said
        assert "keeps serving" in said
    envoy.change(2.0, secret(PAIR))
    envoy.answer(2.1)
    assert {kind: said_of(envoy, kind) for kind in USERS} == dict.fromkeys(USERS, ("ok", ""))


def test_after_a_restart_the_reason_is_still_told() -> None:
    before = Envoy(refuses_secret(PAIR))
    before.translation.stream_changed(0.0, connected=True)
    before.change(0.0, with_secret(PAIR))
    before.answer(0.1)
    after = Envoy(refuses_secret(PAIR))
    after.translation = Translation(Options(), {SECRET: before.translation._holds[SECRET]})
    after.change(0.0, with_secret(PAIR))
    assert "BAD SECRET" in said_of(after, "Host")[1]


def test_a_secret_that_envoy_refuses_later_is_told_to_its_users() -> None:
    """Nothing of ours changed: another Envoy is stricter than the one before."""
    envoy = Envoy(lambda _key, _body: None)
    envoy.translation.stream_changed(0.0, connected=True)
    envoy.change(0.0, with_secret(PAIR))
    envoy.answer(0.1)
    envoy.time_passed(3.0)
    good = envoy.verdicts["secret/default/tls"].accepted
    stricter = Verdict(None if good is None else "older", good, "BAD SECRET")
    envoy.take(envoy.translation.verdicts_changed(4.0, {"secret/default/tls": stricter}))
    assert "BAD SECRET" in said_of(envoy, "Host")[1]
    envoy.take(envoy.translation.verdicts_changed(5.0, {"secret/default/tls": Verdict(good, None)}))
    assert said_of(envoy, "Host") == ("ok", "")


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("guilty", [2, 4])
def test_behind_an_index_the_guilty_mapping_alone_is_found(late: bool, guilty: int) -> None:
    """Though its shard is another one without a Host, and without the only Mapping that changes protocols."""
    world = dict(WORLD)
    for number in range(6):
        spec = {"hostname": f"h{number % 2}.test", "prefix": f"/m{number}/", "service": f"10.0.0.{number + 1}:80"}
        world |= an_object("Mapping", f"m{number}", spec | ({"allow_upgrade": ["ws"]} if number == guilty else {}))
    for number in range(2):
        route = {"requestPolicy": {"insecure": {"action": "Route"}}}
        world |= an_object("Host", f"h{number}", {"hostname": f"h{number}.test", **route})
    spec = {"hostname": f"h{guilty % 2}.test", "prefix": "/bad/", "service": "10.0.0.9:80", "allow_upgrade": ["ws"]}
    bad = world | an_object("Mapping", f"m{guilty}", spec)
    text = b"/bad/"
    envoy = Envoy(
        lambda key, body: "boom" if key.startswith("route/") and text in body else None, Options(index_from=1)
    )
    if late:
        envoy.change(0.0, world)
        envoy.answer(1.0)
        assert envoy.stopped() == set()
    envoy.change(10.0, bad)
    envoy.answer(11.0)
    assert set(envoy.holds) == {key_of(guilty)}
    everything = b"".join(row.body for row in envoy.translation.resources().values())
    assert all(f"/m{number}/".encode() in everything for number in range(6) if number != guilty)
    assert text not in everything
    assert any(key.startswith("scope/") for key in envoy.translation.resources())
