"""Problems are bounded, of one object and of one text, and to find and compare them takes linear time."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from process.settings import Settings
from snapshot import Record, Snapshot
from tests.support.calls import calls_of
from translator.__main__ import LINES, MOST_LINES, Translator
from translator.conditions import LONGEST, kubernetes_status
from translator.decode import MOST, Problem, decode, few
from translator.decoding.values import LONGEST_MESSAGE, LONGEST_PATH
from translator.emissary.kinds.mapping import MappingSpec
from translator.options import Options
from translator.publishing import record_of_status
from translator.statuses import ReportedProblem, Status, status_of_object
from translator.subjects import Edition, Subject
from translator.translation import Translation

GROUP = "getambassador.io"
LARGEST = 64 << 10
"""Bytes of a status as it is published."""

Objects = dict[str, bytes | None]


def an_object(kind: str, name: str, spec: dict[str, Any]) -> Objects:
    metadata = {"name": name, "namespace": "default"}
    document = {"apiVersion": f"{GROUP}/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec}
    return {f"{GROUP}/{kind}/default/{name}": orjson.dumps(document)}


def mapping(name: str, **fields: Any) -> Objects:
    return an_object("Mapping", name, {"hostname": "*", "prefix": "/", "service": "10.0.0.1", **fields})


def listener() -> Objects:
    binding = {"namespace": {"from": "ALL"}}
    spec = {"port": 8080, "protocol": "HTTPS", "securityModel": "XFP", "hostBinding": binding}
    return an_object("Listener", "http", spec)


MANY: dict[str, Callable[[int], Objects]] = {
    "unknown fields": lambda count: mapping("a", **{f"timeout_mss{number}": 1 for number in range(count)}),
    "values of a map": lambda count: mapping("a", headers={f"x{number}": number for number in range(count)}),
    "keys of a map": lambda count: mapping("a", headers={f"x {number}": "a" for number in range(count)}),
    "items of a list": lambda count: mapping("a", allow_upgrade=list(range(count))),
    "unknown fields below": lambda count: mapping("a", retry_policy={f"retry_onn{n}": 1 for n in range(count)}),
    "labels": lambda count: {
        key: (body or b"").replace(b'"metadata":{', b'"metadata":{"labels":' + _numbers(count) + b",")
        for key, body in mapping("a").items()
    },
    "settings": lambda count: an_object(
        "Module", "ambassador", {"config": {f"diagnosticss{n}": 1 for n in range(count)}}
    ),
    "an older version": lambda count: {
        key: (body or b"").replace(b"v3alpha1", b"v2")
        for key, body in mapping("a", headers={f"x{n}": [n] for n in range(count)}).items()
    },
    "addresses": lambda count: {
        "discovery.k8s.io/EndpointSlice/default/a": orjson.dumps(
            {
                "metadata": {"labels": {"kubernetes.io/service-name": "a"}},
                "endpoints": [{"addresses": [f"10.0.0.{number + 256}"]} for number in range(count)],
            }
        )
    },
    "ports": lambda count: {
        "core/Service/default/a": orjson.dumps({"spec": {"ports": [{"port": -number} for number in range(count)]}})
    },
    "data": lambda count: {
        "core/Secret/default/a": orjson.dumps({"data": {f"k{number}": number for number in range(count)}})
    },
}


def _numbers(count: int) -> bytes:
    return orjson.dumps({f"x{number}": number for number in range(count)})


def statuses_of(*batches: Objects) -> dict[str, Status]:
    """What becomes of objects, each batch after the other; whatever it is, it is bounded, and nothing of ours fails."""
    translation, found = Translation(Options(), {}), dict[str, Status]()
    for batch in batches:
        publication = translation.objects_changed(0, batch, dict.fromkeys(batch, Edition("u", 1)))
        assert publication.failures == []
        for key, status in publication.statuses.items():
            assert status is not None
            found[key] = status
    for key, status in found.items():
        assert len(status.problems) <= MOST
        for told in status.problems:
            assert len(told.path) < LONGEST_PATH + 50
            assert len(told.message) < LONGEST_MESSAGE + 50
            assert (told.path + told.message).isprintable()
        assert len(record_of_status(key, status).body) < LARGEST
    return found


@pytest.mark.parametrize("sort", MANY)
def test_of_many_problems_the_first_are_told_and_the_rest_is_counted(sort: str) -> None:
    ((_, status),) = statuses_of(MANY[sort](1000)).items()
    assert len(status.problems) == MOST
    assert 1000 <= status.more + MOST <= 1002, "and that no Host serves it, or what is required beside"


@pytest.mark.parametrize("sort", MANY)
def test_the_work_for_one_object_grows_with_it_alone(sort: str) -> None:
    small, large = (calls_of(lambda: statuses_of(MANY[sort](count))) for count in (1000, 4000))  # noqa: B023
    assert large < 4.5 * small


def test_what_stops_an_object_is_told_before_what_does_not() -> None:
    unknown = {f"unknown{number}": 1 for number in range(1000)}
    ((_, status),) = statuses_of(mapping("a", **unknown, weight="heavy")).items()
    assert status.state == "stopped"
    assert [told.path for told in status.problems if told.stops] == ["spec.weight"]
    assert status.more == 1001 - MOST


def test_every_wrong_setting_of_a_module_is_left_out_and_no_good_one() -> None:
    wrong = {"retry_policy": {"retry_on": "5xx", "num_retries": "x"}, "server_name": 5, "use_remote_address": "yes"}
    defaults = {"httpmapping": {"add_request_headers": {f"x{number}": number for number in range(100)}}}
    config = {"defaults": defaults, **wrong, "regex_max_size": 400}
    found = statuses_of(
        an_object("Module", "ambassador", {"config": config}), mapping("a", prefix="/a{300}", prefix_regex=True)
    )
    module = found[f"{GROUP}/Module/default/ambassador"]
    assert (module.state, module.more) == ("warned", 103 - MOST)
    assert found[f"{GROUP}/Mapping/default/a"].state == "warned", "since there is no Host; the regex is not too large"


# Where objects meet


def hosts(count: int) -> Objects:
    """Hosts with one name in TLS."""
    made: Objects = {}
    for number in range(count):
        made |= an_object("Host", f"h{number:05}", {"hostname": f"a.test:{number % 60_000 + 1}"})
    return made


def same_hosts(count: int) -> Objects:
    made: Objects = {}
    for number in range(count):
        made |= an_object("Host", f"{number:05}{'h' * 240}", {"hostname": "a.test"})
    return made


def mappings(count: int, **fields: Any) -> Objects:
    """Mappings for the same requests."""
    made: Objects = {}
    for number in range(count):
        made |= mapping(f"{number:05}{'m' * 240}", **fields)
    return made


def tcp_mappings(count: int) -> Objects:
    made: Objects = {}
    for number in range(count):
        made |= an_object("TCPMapping", f"t{number:05}", {"port": 7000, "service": "10.0.0.1", "weight": 60})
    return made


def one_at_many_listeners(count: int) -> Objects:
    """Two Hosts of one name that conflict at each of many Listeners."""
    made: Objects = {}
    for number in range(count):
        binding = {"namespace": {"from": "ALL"}}
        spec = {"port": 9000 + number, "protocol": "HTTP", "securityModel": "XFP", "hostBinding": binding}
        made |= an_object("Listener", f"l{number:05}", spec)
    return made | same_hosts(2)


MEETINGS: dict[str, Callable[[int], Objects]] = {
    "a name with ports": hosts,
    "a name": same_hosts,
    "a route": mappings,
    "a route with weights": lambda count: mappings(count, weight=60),
    "a port": tcp_mappings,
    "many listeners": one_at_many_listeners,
}


@pytest.mark.parametrize("meeting", MEETINGS)
def test_objects_that_meet_are_each_told_a_little(meeting: str) -> None:
    few_, many = (calls_of(lambda: statuses_of(listener(), MEETINGS[meeting](count))) for count in (100, 400))  # noqa: B023
    assert many < 5 * few_


def test_a_problem_that_names_others_names_some() -> None:
    found = statuses_of(listener(), an_object("Host", "any", {"hostname": "*"}), mappings(300))
    said = [
        told.message for status in found.values() for told in status.problems if "leaves it nothing" in told.message
    ]
    assert len(said) == 200
    assert all(message.endswith(" and 292 more") or "characters)" in message for message in said)


# What is made of them


def test_a_status_in_kubernetes_counts_what_is_not_even_listed() -> None:
    problems = [Problem(f"spec.headers.x{number}", "must be a string") for number in range(5000)]
    status = status_of_object(problems)
    made = kubernetes_status("Mapping", Status(status.problems, status.more, subject=Subject(Edition("u", 1))))
    assert made is not None
    (accepted,) = [condition for condition in made["conditions"] if condition["type"] == "Accepted"]
    assert len(accepted["message"]) <= LONGEST
    told = accepted["message"].count("must be")
    assert accepted["message"].endswith(f" (and {5000 - told:,} more)")


def test_the_same_problem_from_two_places_is_one() -> None:
    problem = Problem("spec", "is wrong")
    assert status_of_object([problem, problem]).problems == (ReportedProblem("spec", "is wrong", stops=True),)


def test_counts_of_several_places_are_summed() -> None:
    first, second = few([Problem("a", str(n)) for n in range(30)]), few([Problem("b", str(n)) for n in range(30)])
    status = status_of_object([*first, *second])
    assert len(status.problems) + status.more == 60


@pytest.mark.parametrize("text", ["x" * 10**6, "\x1b" * 10**6, "\ud800" * 10**6])
def test_no_problem_is_long_whatever_it_quotes(text: str) -> None:
    for problem in (
        Problem(text, text),
        *decode(MappingSpec, {text: text, "headers": {text: 5}, "prefix": [text]}).problems,
    ):
        assert len(problem.path) < LONGEST_PATH + 50
        assert len(problem.message) < LONGEST_MESSAGE + 50
        assert (problem.path + problem.message).isprintable()


def test_a_large_number_is_told_by_its_size() -> None:
    (problem,) = [
        found for found in decode(MappingSpec, {"prefix": 10**10_000}).problems if found.path == "spec.prefix"
    ]
    assert problem.message == "must be a string, not an integer of 33220 bits"


# The translator's log


class Heard:
    """Stands for the log."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def _hear(self, event: str, **circumstances: Any) -> None:
        self.lines.append((event, circumstances))

    info = warning = error = debug = _hear


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    made = Heard()
    monkeypatch.setattr("translator.__main__.log", made)
    return made


def test_a_change_of_one_object_gives_a_few_lines(tmp_path: Path, heard: Heard) -> None:
    bells = tmp_path / "bells"
    bells.mkdir()
    with Snapshot.open(tmp_path / "snapshot", bells=bells) as snapshot:
        writer, translator = snapshot.writer("objects"), Translator(snapshot, Settings())

        def change(objects: Objects) -> list[tuple[str, dict[str, Any]]]:
            heard.lines.clear()
            records = {key: Record(str(hash(body)), body) if body else None for key, body in objects.items()}
            writer.commit(records)
            translator.turn()
            return [line for line in heard.lines if line[0] != "published"]

        def bad(value: int, count: int) -> Objects:
            return mapping("a", headers={f"x{value}-{number}": number for number in range(count)})

        found = change(bad(1, 1000))
        assert [event for event, _ in found] == ["problem"] * LINES + ["more problems"]
        assert found[-1][1]["how_many"] == 1000 - LINES
        assert change(bad(1, 1000)) == []
        found = change(bad(1, 2000))
        assert [(event, more["how_many"]) for event, more in found] == [("more problems", 2000 - MOST)]
        found = change(bad(2, 2000))
        assert [event for event, _ in found] == ["problem"] * LINES + ["more problems"]
        assert change({f"{GROUP}/Mapping/default/a": None}) == []
        good = mappings(3)
        found = change(good | {key: body for n in range(300) for key, body in bad_one(n).items()})
        assert MOST_LINES <= len(found) <= MOST_LINES + LINES + 2
        assert found[-1][0] == "more objects have problems"
        told = {circumstances["object"] for _, circumstances in found[:-1]}
        assert found[-1][1]["how_many"] == 303 - len(told)


def bad_one(number: int) -> Objects:
    return mapping(f"bad{number}", headers={f"x{n}": n for n in range(100)})
