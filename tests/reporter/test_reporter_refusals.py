"""What the API server does not take: who waits for it, for how long, and what is said in the log. Nobody else waits."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from kubeapi.connection import Answer
from reporter.refusals import EVERYWHERE, FAILING_TOGETHER, LONGEST_BACKOFF, REFUSED_FOR, Refusals
from reporter.writing import COUNTED_EACH, EVENTS_AT_ONCE
from tests.reporter.leadership import WRONG, Leadership, key_of, refusal, reign_in

A, B = key_of(namespace="team-a"), key_of(namespace="team-b")
MAPPING_A, MAPPING_B = "team-a/mappings/m", "team-b/mappings/m"
FORBIDDEN = refusal(403, 'User "dragoman" cannot patch resource "mappings/status" in the namespace "team-b"')
DENIED = refusal(403, "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no")
WEBHOOK_DOWN = refusal(500, 'Internal error occurred: failed calling webhook "v.example.com"')


@pytest.fixture
def leadership(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leadership]:
    with reign_in(tmp_path, monkeypatch) as made:
        yield made


# A right that is missing.


async def test_a_right_that_is_missing_in_one_namespace_silences_no_other(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    leadership.api.rule = lambda _method, path: FORBIDDEN if "/team-b/" in path else None
    for key in (B, A):
        leadership.has(key)
        leadership.says(key, WRONG)
        await leadership.settle()
    assert MAPPING_A in leadership.writes()
    assert len(leadership.events()) == 2
    said = capsys.readouterr().out
    assert said.count("cannot be written") == 2
    assert said.count("namespace=team-b") == 2


async def test_what_could_not_be_told_is_told_when_the_right_is_there(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    leadership.api.rule = lambda _method, path: FORBIDDEN if path.endswith("/events") else None
    leadership.has(A)
    leadership.says(A, WRONG)
    await leadership.live_on(REFUSED_FOR / 2)
    assert len(leadership.events()) == 1
    leadership.api.rule = lambda _method, _path: None
    await leadership.live_on(2 * REFUSED_FOR)
    assert len(leadership.events()) == 2, "once more, and then no more"
    assert leadership.writes() == [MAPPING_A], "the status did not wait for it"
    assert "Events can be written again" in capsys.readouterr().out


async def test_a_recovery_that_could_not_be_told_is_told_later(leadership: Leadership) -> None:
    leadership.has(A)
    leadership.says(A, WRONG)
    await leadership.settle()
    leadership.api.rule = lambda _method, path: FORBIDDEN if path.endswith("/events") else None
    leadership.says(A)
    await leadership.settle()
    leadership.api.rule = lambda _method, _path: None
    await leadership.live_on(2 * REFUSED_FOR)
    assert [reason for _, reason in leadership.events()] == ["Invalid", "Recovered", "Recovered"]


async def test_a_policy_that_denies_one_object_is_that_objects_matter(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    other = key_of("other", namespace="team-b")
    leadership.api.rule = lambda method, path: DENIED if method == "PATCH" and "/mappings/m/" in path else None
    for key in (B, other):
        leadership.has(key)
        leadership.says(key)
        await leadership.settle()
    assert leadership.writes() == [MAPPING_B, "team-b/mappings/other"]
    assert "a status is refused" in capsys.readouterr().out


async def test_a_crd_that_knows_no_conditions_silences_its_kind_everywhere(leadership: Leadership) -> None:
    unknown = refusal(500, ".status.conditions: field not declared in schema")
    leadership.api.rule = lambda method, path: unknown if method == "PATCH" and "/mappings/" in path else None
    host = key_of(kind="Host")
    for key in (B, A, host):
        leadership.has(key)
        leadership.says(key)
        await leadership.settle()
    assert leadership.writes() == [MAPPING_B, "default/hosts/m"]


# What fails.


async def test_an_object_whose_writes_fail_keeps_no_other_waiting(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    leadership.api.rule = lambda method, path: WEBHOOK_DOWN if method == "PATCH" and "/team-b/" in path else None
    leadership.has(B)
    leadership.says(B)
    await leadership.live_on(200)
    tries = len(leadership.writes())
    assert 8 < tries < 24, "it is tried again, ever more rarely"
    leadership.has(A)
    leadership.says(A)
    await leadership.settle()
    assert leadership.writes().count(MAPPING_A) == 1
    said = capsys.readouterr().out
    assert said.count("a status cannot be written") == 1
    assert "takes no reports" not in said


async def test_who_is_touched_while_his_writes_fail_is_not_written_sooner(leadership: Leadership) -> None:
    leadership.api.rule = lambda method, _path: WEBHOOK_DOWN if method == "PATCH" else None
    leadership.has(B)
    leadership.says(B)
    await leadership.live_on(100)
    tries = len(leadership.writes())
    for _ in range(10):
        leadership.has(B, status={"theirs": "another"})
        await leadership.settle()
    assert len(leadership.writes()) == tries


async def test_a_kind_whose_writes_all_fail_waits_as_one_and_comes_back(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    leadership.api.rule = lambda method, path: WEBHOOK_DOWN if method == "PATCH" and "/hosts/" in path else None
    hosts = [key_of(f"h{number:03}", "Host") for number in range(200)]
    for key in hosts:
        leadership.has(key)
        leadership.says(key)
    await leadership.live_on(60)
    assert len(leadership.writes()) < 100, "not each of them finds it out for itself"
    leadership.has(A)
    leadership.says(A)
    await leadership.settle()
    assert leadership.writes()[-1] == MAPPING_A
    leadership.api.rule = lambda _method, _path: None
    leadership.api.asked.clear()
    await leadership.live_on(2 * LONGEST_BACKOFF)
    assert len(set(leadership.writes())) == 200
    said = capsys.readouterr().out
    assert said.count("statuses cannot be written") == 1
    assert said.count("a status cannot be written") < FAILING_TOGETHER + 4
    assert said.count("statuses can be written again") == 1


@pytest.mark.parametrize("status", [401, 429, 503])
async def test_an_api_server_that_wants_rest_is_left_in_peace_by_all(
    leadership: Leadership, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    leadership.api.rule = lambda _method, path: refusal(status, "later", 20.0) if "/team-b/" in path else None
    leadership.has(B)
    leadership.says(B)
    await leadership.settle()
    leadership.has(A)
    leadership.says(A)
    await leadership.live_on(19)
    assert leadership.writes() == [MAPPING_B]
    leadership.api.rule = lambda _method, _path: None
    await leadership.live_on(2)
    assert set(leadership.writes()) == {MAPPING_A, MAPPING_B}
    said = capsys.readouterr().out
    assert said.count("takes no reports") == 1
    assert said.count("takes reports again") == 1


async def test_events_that_fail_keep_no_status_waiting(leadership: Leadership) -> None:
    leadership.api.rule = lambda _method, path: WEBHOOK_DOWN if path.endswith("/events") else None
    leadership.has(A)
    leadership.says(A, WRONG)
    await leadership.settle()
    assert leadership.writes() == [MAPPING_A]
    leadership.api.rule = lambda _method, _path: None
    await leadership.live_on(2 * LONGEST_BACKOFF)
    assert len(leadership.events()) == 2


# What is gone, or another one.


async def test_an_object_that_was_made_again_meanwhile_is_no_fault_of_its_kind(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    def made_again(method: str, _path: str) -> Answer | None:
        if method == "PATCH":
            return refusal(404)
        return Answer(200, orjson.dumps({"metadata": {"uid": "two", "resourceVersion": "7"}}))

    leadership.api.rule = made_again
    leadership.has(A)
    leadership.says(A)
    await leadership.settle()
    leadership.api.rule = lambda _method, _path: None
    for key in (A, B):
        leadership.has(key, "two")
        leadership.says(key, uid="two")
    await leadership.settle()
    assert leadership.writes().count(MAPPING_A) == 2
    assert leadership.writes().count(MAPPING_B) == 1
    assert "warning" not in capsys.readouterr().out


async def test_a_kind_without_statuses_is_known_by_the_same_object_that_is_there(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    there = Answer(200, orjson.dumps({"metadata": {"uid": "one", "resourceVersion": "7"}}))
    leadership.api.rule = lambda method, _path: refusal(404) if method == "PATCH" else there
    for key in (A, B):
        leadership.has(key)
        leadership.says(key)
        await leadership.settle()
    assert leadership.writes() == [MAPPING_A]
    assert "has no status subresource" in capsys.readouterr().out


# What is left out.


async def test_events_that_are_left_out_are_counted_though_none_comes_after(
    leadership: Leadership, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(int(EVENTS_AT_ONCE) + 40):
        key = key_of(f"m{number:03}")
        leadership.has(key, str(number))
        leadership.says(key, WRONG, uid=str(number))
    await leadership.live_on(COUNTED_EACH + 5)
    lines = [line for line in capsys.readouterr().out.splitlines() if "left out" in line]
    counted = sum(int(line.partition("how_many=")[2].split()[0]) for line in lines)
    assert counted == EVENTS_AT_ONCE + 40 - len(leadership.events())
    assert counted > 0


# The table of it.


def test_a_refusal_is_news_until_something_is_written_there() -> None:
    refusals = Refusals()
    assert refusals.add("Host", "a", 0.0)
    assert not refusals.add("Host", "a", 1.0)
    assert refusals.left("Host", "a", 1.0) == REFUSED_FOR
    assert not refusals.add("Host", "a", 1.0, seconds=5.0)
    assert refusals.left("Host", "a", 1.0) == REFUSED_FOR, "the longer one counts"
    assert refusals.left("Host", "b", 1.0) == 0
    assert refusals.left("Mapping", "a", 1.0) == 0
    assert refusals.left("Host", "a", 2 * REFUSED_FOR) == 0
    assert not refusals.add("Host", "a", 2 * REFUSED_FOR), "it is the same news"
    assert refusals.over("Host", "a")
    assert not refusals.over("Host", "a")
    assert refusals.left("Host", "a", 2 * REFUSED_FOR) == 0
    assert refusals.add("Host", "a", 2 * REFUSED_FOR)


def test_what_is_refused_everywhere_is_refused_in_each_namespace() -> None:
    refusals = Refusals()
    refusals.add("Host", EVERYWHERE, 0.0)
    assert refusals.left("Host", "a", 1.0) == REFUSED_FOR - 1
    assert refusals.over("Host", "b"), "and nowhere, once one is written"
    assert refusals.left("Host", "a", 1.0) == 0


def test_a_kind_waits_when_several_objects_fail_and_not_when_one_does_again_and_again() -> None:
    refusals = Refusals()
    assert not any(refusals.failed("Host", "a", 0.0) for _ in range(20))
    for key in "bc":
        assert not refusals.failed("Host", key, 0.0)
    assert refusals.failed("Host", "d", 0.0)
    assert 0 < refusals.left("Host", "any", 0.0) < 1
    for key in "efghijklmnop":
        assert not refusals.failed("Host", key, 0.0), "it is the same news"
    assert refusals.left("Host", "any", 0.0) == LONGEST_BACKOFF
