"""One service of Consul's: what is asked, and what answers and silence mean."""

import orjson
import pytest

from snapshot import Record
from watcher.consul import REST, Asking, Service, base_url

WEB = Service("", "dc1", "web")


def asking(known: Record | None = None) -> Asking:
    return Asking(WEB, known, lambda: 0.5)


def instances(*places: tuple[str, int], node: str = "10.0.0.9") -> bytes:
    return orjson.dumps(
        [{"Node": {"Address": node}, "Service": {"Address": address, "Port": port}} for address, port in places]
    )


def said(record: Record | None) -> tuple[list[dict[str, object]], str]:
    assert record is not None
    body = orjson.loads(record.body)
    return body["endpoints"], body["trouble"]


def test_the_first_question_waits_for_nothing_and_the_next_for_news() -> None:
    one = asking()
    assert one.path == "/v1/health/service/web"
    assert one.params == {"passing": "1", "dc": "dc1"}
    record, rest = one.answered("7", instances(("10.0.0.1", 80), ("", 81)))
    assert (said(record)[0], rest) == (
        [{"address": "10.0.0.1", "port": 80}, {"address": "10.0.0.9", "port": 81}],
        REST,
    )
    assert one.params == {"passing": "1", "dc": "dc1", "index": "7", "wait": "60s"}


@pytest.mark.parametrize(("index", "asked"), [("6", None), ("0", None), (None, None), ("8", "8"), ("7", "7")])
def test_an_index_that_went_back_is_forgotten(index: str | None, asked: str | None) -> None:
    one = asking()
    one.answered("7", instances())
    one.answered(index, instances())
    assert one.params.get("index") == asked


def test_an_index_is_never_below_one() -> None:
    one = asking()
    one.answered("0", instances())
    assert one.params["index"] == "1"


def test_equal_answers_are_equal_records() -> None:
    one = asking()
    assert one.answered("7", instances(("10.0.0.1", 80))) == one.answered("8", instances(("10.0.0.1", 80)))


def test_what_is_known_stays_and_is_told_after_a_while() -> None:
    first, _ = asking().answered("7", instances(("10.0.0.1", 80)))
    one = asking(first)
    assert [one.failed("it is away")[0] for _ in range(2)] == [None, None]
    record, rest = one.failed("it is away")
    assert rest > 1
    assert said(record) == (
        [{"address": "10.0.0.1", "port": 80}],
        "Consul cannot be asked: it is away; what it said last stays",
    )
    assert "index" not in one.params
    assert said(one.answered("9", instances())[0]) == ([], "")


def test_where_nothing_is_known_the_first_failure_is_told() -> None:
    assert said(asking().failed("it is away")[0]) == ([], "Consul cannot be asked: it is away")


@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"[1]", b'[{"Service": {"Port": 1}}]', b'[{"Service": null}]'])
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    record, _ = asking().answered("7", body)
    assert said(record)[1].startswith("Consul cannot be asked: its answer cannot be read: ")


@pytest.mark.parametrize(
    ("address", "default", "url"),
    [
        ("", "", "http://127.0.0.1:8500"),
        ("", "consul:1", "http://consul:1"),
        ("consul", "", "http://consul:8500"),
        ("[::1]", "", "http://[::1]:8500"),
        ("[::1]:1", "", "http://[::1]:1"),
        ("https://consul", "", "https://consul"),
        ("$HOST_IP:8500", "", "http://10.0.0.1:8500"),
        ("${HOST_IP}", "", "http://10.0.0.1:8500"),
        ("$OTHER:8500", "", "http://$OTHER:8500"),
    ],
)
def test_where_consul_is(address: str, default: str, url: str) -> None:
    assert base_url(address, default, {"HOST_IP": "10.0.0.1"}) == url
