"""What is told of each response to Envoy and its answer, while somebody waits for a change."""

from adsserver_talk import version

from adsserver.exchanges import MOST, Exchanges
from adsserver.messages import Request, Response
from adsserver.resources import Entry, Kind


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def response(nonce: int, *names: str, kind: Kind = Kind.ROUTE, removed: tuple[str, ...] = ()) -> Response:
    entries = tuple(Entry.of(kind, name, version("1")) for name in names)
    return Response(nonce, kind, entries, removed, {}, 1, "stream")


def answer(nonce: int, error: str | None = None, kind: Kind = Kind.ROUTE) -> Request:
    return Request(kind, nonce=str(nonce), error=error)


def test_an_exchange_is_told_once_with_its_times_and_numbers() -> None:
    clock = Clock()
    exchanges = Exchanges(clock)
    exchanges.sent(response(1, "a", "b", removed=("c",)))
    clock.now = 1000.0125
    exchanges.answered("stream", answer(1), is_awaited=True)
    assert exchanges.log == {"exchanges": [["route", 1000.0, 0.0125, 2, 1]]}
    exchanges.told()
    assert exchanges.log == {}
    exchanges.answered("stream", answer(1), is_awaited=True)
    assert exchanges.log == {}, "it was answered already"


def test_a_refusal_has_envoys_reason_and_whose_it_is_but_nothing_secret() -> None:
    exchanges = Exchanges(Clock())
    secret = Response(
        1, Kind.SECRET, (Entry.of(Kind.SECRET, "s", version("1", body=b"hunter2hunter2")),), (), {}, 1, "x"
    )
    for each in (response(2, "a"), response(3, "a", "b"), secret):
        exchanges.sent(each)
    exchanges.answered("stream", answer(2, "no such thing"), is_awaited=True)
    exchanges.answered("stream", answer(3, "x" * 9000), is_awaited=True)
    exchanges.answered("x", answer(1, "bad key hunter2hunter2", Kind.SECRET), is_awaited=True)
    told = exchanges.log["exchanges"]
    assert isinstance(told, list)
    reasons = [each[5] for each in told if isinstance(each, list)]
    assert reasons[0] == "a: no such thing"
    assert reasons[1] == "x" * 256
    assert reasons[2] == "s: bad key [redacted]"


def test_while_nobody_waits_nothing_is_told_and_of_very_many_only_how_many() -> None:
    exchanges = Exchanges(Clock())
    exchanges.sent(response(1, "a"))
    exchanges.answered("stream", answer(1), is_awaited=False)
    assert exchanges.log == {}
    for nonce in range(2, MOST + 5):
        exchanges.sent(response(nonce, "a"))
        exchanges.answered("stream", answer(nonce), is_awaited=True)
    told = exchanges.log["exchanges"]
    assert isinstance(told, list)
    assert (len(told), exchanges.log["more_exchanges"]) == (MOST, 3)


def test_what_a_stream_did_not_answer_is_forgotten_with_it() -> None:
    exchanges = Exchanges(Clock())
    exchanges.sent(response(1, "a"))
    exchanges.ended("another")
    exchanges.ended("stream")
    exchanges.answered("stream", answer(1), is_awaited=True)
    assert exchanges.log == {}
