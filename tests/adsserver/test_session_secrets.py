"""Secrets on a stream: what Envoy says of them is its verdict, and nothing else is refused for them."""

import pytest
from adsserver_talk import TIMING, Sent, Talk, version

from adsserver.messages import Response
from adsserver.remark import remarked
from adsserver.resources import Entry, Kind
from adsserver.round import Timing
from envoyapi.config_core_v3 import DataSource
from envoyapi.reading import fields
from envoyapi.transport_sockets_tls_v3 import CertificateValidationContext, Secret, TlsCertificate

WORLD = {
    "cluster/a": version("1", endpoints="a"),
    "endpoint/a": version("1"),
    "listener/l": version("1"),
    "route/r": version("1"),
    "secret/s": version("1"),
    "secret/t": version("1"),
}


def settled() -> Talk:
    talk = Talk(WORLD)
    talk.settled()
    return talk


def alone(*secrets: str) -> list[Sent]:
    """Each of these in a response of its own."""
    return [("secret", [each], []) for each in secrets]


def pem_of(body: bytes) -> bytes:
    """The PEM that protobuf reads last in a Secret."""
    for _ in range(3):
        body = [value for _, value in fields(body) if isinstance(value, bytes)][-1]
    return body


@pytest.mark.parametrize("count", [2, 17, 200])
def test_each_goes_alone(count: int) -> None:
    names = [f"s{number:03}" for number in range(count)]
    talk = Talk(WORLD | {f"secret/{name}": version("1") for name in names})
    talk.asks("cluster")
    assert talk.asks("secret", *names) == alone(*(f"{name} 1" for name in names))


def test_the_last_good_one_takes_the_place_of_a_refused_one() -> None:
    """Envoy has the refused one in mind, and would make the next listener with it."""
    talk = settled()
    assert talk.changes(secret={"s": version("2")}) == alone("s 2")
    assert talk.refuses("secret") == alone("s 1")
    assert talk.accepts("secret") == []
    notes = talk.saved()["secret/s"].notes
    assert (notes["accepted"], notes["refused"]) == ("1", "2")


def test_a_refused_one_that_is_gone_is_not_sent_again_while_it_leaves() -> None:
    """A listener that drains asks for it until its connections end."""
    talk = Talk(WORLD | {"cluster/b": version("1")}, timing=Timing())
    talk.settled()
    talk.changes(secret={"s": version("2")})
    talk.changes(secret={"s": None}, cluster={"b": None})
    assert talk.refuses("secret") == alone("s 1")
    assert talk.accepts("secret") == []


def test_after_a_restart_the_last_good_one_is_sent_again() -> None:
    """Envoy shows the good one, be it that the last adsserver died before it could send it."""
    talk = settled()
    talk.changes(secret={"s": version("2")})
    talk.refuses("secret")
    later = Talk(WORLD | {"secret/s": version("2")}, talk.saved())
    later.asks("cluster", holds={"a": "1"})
    assert later.asks("secret", "s", "t", holds={"s": "1", "t": "1"}) == alone("s 1")


@pytest.mark.parametrize("kind", ["secret", "route"])
def test_an_envoy_that_asks_for_what_it_refused_has_it_again(kind: str) -> None:
    """No other answer ends the wait of the listener that asks. Of endpoints it is enough that there are none."""
    talk = settled()
    talk.changes(**{kind: {"new": version("1")}})
    assert talk.asks(kind, "new") == [(kind, ["new 1"], [])]
    assert talk.refuses(kind) == []
    talk.reconnect()
    talk.asks("cluster", holds={"a": "1"})
    assert talk.asks(kind, "new") == [(kind, ["new 1"], [])]
    assert talk.refuses(kind) == []
    assert talk.waits(60) == []


@pytest.mark.parametrize("kind", ["listener", "cluster"])
def test_what_is_made_with_secrets_waits_for_their_answers(kind: str) -> None:
    talk = settled()
    assert talk.changes(secret={"s": version("2"), "t": version("2")}, **{kind: {"l": version("2")}}) == alone(
        "s 2", "t 2"
    )
    assert talk.refuses("secret") == alone("s 1")
    assert talk.accepts("secret") == []
    assert talk.accepts("secret") == [(kind, ["l 2"], [])]


def test_routes_wait_for_no_secret() -> None:
    talk = settled()
    talk.changes(secret={"s": version("2")})
    assert talk.changes(route={"r": version("2")}) == [("route", ["r 2"], [])]


def test_a_listener_of_a_round_under_way_waits_too() -> None:
    talk = settled()
    talk.changes(cluster={"b": version("1")}, listener={"l": version("2")})
    talk.changes(secret={"s": version("2")})
    assert talk.accepts("cluster") == []
    assert talk.accepts("secret") == [("listener", ["l 2"], [])]


def test_an_envoy_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    talk = settled()
    talk.changes(secret={"s": version("2")}, listener={"l": version("2")})
    assert talk.waits(TIMING.patience - 0.1) == []
    assert talk.waits(0.2) == [("listener", ["l 2"], [])]
    assert talk.session.deadline is None or talk.session.deadline > talk.now


def test_where_there_is_no_last_good_one_the_translator_may_take_it_back() -> None:
    talk = settled()
    talk.changes(secret={"new": version("1")})
    talk.asks("secret", "new")
    talk.refuses("secret")
    assert talk.changes(listener={"l": version("2")}) == []
    assert talk.changes(listener={"l": version("3")}, secret={"new": None}) == [("listener", ["l 3"], [])]


def test_where_nobody_takes_it_back_the_wait_ends() -> None:
    talk = settled()
    talk.changes(secret={"new": version("1")})
    talk.asks("secret", "new")
    talk.refuses("secret")
    assert talk.changes(listener={"l": version("2")}) == []
    assert talk.waits(TIMING.pause + 0.1) == [("listener", ["l 2"], [])]


@pytest.mark.parametrize("kind", ["listener", "cluster"])
def test_what_was_refused_for_a_secret_is_tried_again_after_it(kind: str) -> None:
    talk = settled()
    talk.changes(secret={"new": version("1")})
    talk.asks("secret", "new")
    talk.refuses("secret")
    talk.changes(**{kind: {"l": version("2")}})
    talk.waits(TIMING.pause + 0.1)
    assert talk.refuses(kind, "Failed to load private key") == []
    assert talk.changes(secret={"new": version("2")}) == alone("new 2")
    assert talk.accepts("secret") == [(kind, ["l 2"], [])]
    talk.accepts_all()
    assert talk.saved()[f"{kind}/l"].notes["refused"] is None


def test_what_is_to_be_tried_again_while_a_round_is_under_way_comes_with_it() -> None:
    talk = settled()
    talk.changes(secret={"new": version("1")})
    talk.asks("secret", "new")
    talk.refuses("secret")
    talk.changes(listener={"l": version("2")})
    talk.waits(TIMING.pause + 0.1)
    talk.refuses("listener")
    talk.changes(cluster={"b": version("1")})
    assert talk.asks("secret", unsubscribe=("new",)) == []
    assert talk.accepts("cluster") == [("listener", ["l 2"], [])]


def test_no_two_sendings_of_a_secret_are_alike() -> None:
    body = bytes(Secret(name="s", tls_certificate=TlsCertificate(certificate_chain=DataSource(inline_bytes=b"PEM"))))
    entry = Entry(Kind.SECRET, "s", "1", body)
    sent = [
        Response(nonce, Kind.SECRET, (entry,), (), {}, 0, stream).body(entry)
        for nonce in (1, 2)
        for stream in ("one process", "another")
    ]
    assert len(set(sent)) == len(sent)
    assert all(pem_of(each).endswith(b"\nPEM") for each in sent)


@pytest.mark.parametrize(
    "secret",
    [
        Secret(name="s", tls_certificate=TlsCertificate(certificate_chain=DataSource(inline_string="PEM"))),
        Secret(name="s", validation_context=CertificateValidationContext(trusted_ca=DataSource(inline_bytes=b"PEM"))),
    ],
)
def test_a_remark_is_a_line_before_the_certificates(secret: Secret) -> None:
    assert pem_of(remarked(bytes(secret), "1")) == b"# 1\nPEM"


@pytest.mark.parametrize("body", [b"", b"\xff\xff", bytes(Secret(name="s")), b"\x12\x05abc"])
def test_where_there_are_no_certificates_there_is_no_remark(body: bytes) -> None:
    assert remarked(body, "1") == body
