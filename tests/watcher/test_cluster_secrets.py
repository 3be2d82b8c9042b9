"""Secrets that are watched by their names: what is believed, what is waited for, and what is told."""

from collections.abc import Iterable
from typing import Any

import orjson
import pytest

from snapshot import Record
from watcher.cluster import TROUBLED, Cluster
from watcher.kinds import KINDS, SECRET, Kind, Target
from watcher.trimming import Seen, seen
from watcher.watch_events import Changed, Failing, Forbidden, Gone, Listed, Recovered, WatchEvent

HOST = next(kind for kind in KINDS if kind.name == "Host")
ALL = Target(SECRET)
DOTTED = "example.com-tls"


def host(called: str, **tls_secret: str) -> Seen:
    return made(HOST, called, spec={"tlsSecret": tls_secret})


def secret(name: str) -> Seen:
    return made(SECRET, name, type="kubernetes.io/tls", data={"tls.crt": "eA=="})


def made(kind: Kind, name: str, **content: Any) -> Seen:
    return seen(kind, {"metadata": {"name": name, "namespace": "own", "resourceVersion": "5"}, **content})


def by_key(found: Iterable[Seen]) -> dict[str, Seen]:
    return {here.key: here for here in found}


class LocatedProblem:
    """A Cluster whose Secrets may not be listed, and what it published and said."""

    def __init__(self, *hosts: Seen, remembered: Iterable[Seen] | None = None) -> None:
        kept = None if remembered is None else {here.key: here.record for here in remembered}
        self.cluster = Cluster((Target(HOST), ALL), kept, lambda: 0.5)
        self.records: dict[str, Record] = {}
        self.problem = ""
        self.said: list[str] = []
        self.take(ALL, Forbidden("no list"))
        self.take(Target(HOST), Listed(by_key(hosts)))

    def take(self, target: Target, event: WatchEvent) -> None:
        changes = self.cluster.take(1.0, target, [event]).objects
        self.said += [told.problem.message for told in changes.appeared]
        for key, record in changes.records.items():
            if record:
                self.records[key] = record
            else:
                self.records.pop(key, None)

    def of(self, name: str, event: WatchEvent, namespace: str = "own") -> None:
        self.take(ALL.named(namespace, name), event)

    def found(self, name: str) -> None:
        self.of(name, Listed(by_key([secret(name)])))

    def troubled(self, name: str) -> None:
        for failures in range(1, TROUBLED + 1):
            self.of(name, Failing("it makes no sense", failures))

    @property
    def secrets(self) -> list[str]:
        return sorted(key.rpartition("/")[2] for key in self.records if key.startswith("core/Secret/"))

    @property
    def problems(self) -> list[str]:
        record = self.records.get("dragoman/Watch//secrets")
        return [problem["message"] for problem in orjson.loads(record.body)["problems"]] if record else []


def test_what_no_secret_can_be_called_is_not_asked_for_and_not_waited_for() -> None:
    run = LocatedProblem(
        host("good", name="tls"),
        host("traversal", name="x", namespace="../../../healthz?x="),
        host("selector", name="a,b"),
        host("equals", name="a=b"),
    )
    assert [target.name for target in run.cluster.reflectors if target.name] == ["tls"]
    run.found("tls")
    assert run.cluster.complete
    assert run.secrets == ["tls"]


def test_a_secret_that_cannot_be_read_is_told_and_not_waited_for() -> None:
    run = LocatedProblem(host("h", name="tls"), host("i", name="bad"))
    run.found("tls")
    assert not run.cluster.complete
    run.troubled("bad")
    assert run.cluster.complete
    assert run.secrets == ["tls"]
    assert run.problems == ["the Secret own/bad cannot be read at the moment: it makes no sense"]
    run.found("bad")
    assert (run.secrets, run.problems) == (["bad", "tls"], [])


def test_what_was_known_of_a_secret_that_cannot_be_read_any_more_stays_until_it_can() -> None:
    run = LocatedProblem(host("h", name="tls"))
    run.found("tls")
    run.troubled("tls")
    assert (run.secrets, len(run.problems)) == (["tls"], 1)
    run.of("tls", Recovered())
    assert (run.secrets, run.problems) == (["tls"], [])


def test_an_outage_is_no_answer() -> None:
    run = LocatedProblem(host("h", name="tls"), remembered=[host("h", name="tls"), secret("tls")])
    target = ALL.named("own", "tls")
    run.cluster.reflectors[target].next(1.0)
    events = run.cluster.reflectors[target].ended(1.0, "connection refused")
    assert run.cluster.outage
    for _ in range(5):
        run.cluster.take(1.0, target, [*events, Failing("connection refused", 5)])
    assert not run.cluster.complete


@pytest.mark.parametrize("hosts", [("tls", "other", "closed"), ("other", "closed")])
def test_after_a_restart_one_that_is_forbidden_keeps_no_other(hosts: tuple[str, ...]) -> None:
    """A Secret that was deleted meanwhile, or is referred to no longer, goes, and its key with it."""
    before = [host(name, name=name) for name in ("tls", "other", "closed")]
    run = LocatedProblem(
        *(host(name, name=name) for name in hosts),
        remembered=[*before, *map(secret, ("tls", "other", "closed", "long-ago"))],
    )
    run.of("closed", Forbidden("no"))
    run.found("other")
    if "tls" in hosts:
        run.of("tls", Listed({}))
        assert run.secrets == ["closed", "other", "tls"], "a second look is taken"
        run.of("tls", Listed({}))
    assert run.secrets == ["closed", "other"]
    assert run.problems == ["the Secret own/closed may not be read: no"]


def test_of_a_name_with_a_dot_the_other_meaning_need_not_be_allowed() -> None:
    run = LocatedProblem(host("h", name=DOTTED))
    run.of("example", Forbidden("cannot list secrets in com-tls"), "com-tls")
    run.found(DOTTED)
    assert (run.cluster.complete, run.secrets, run.said) == (True, [DOTTED], [])
    run.of(DOTTED, Gone(SECRET.key("own", DOTTED)))
    assert run.problems == ["the Secret com-tls/example may not be read: cannot list secrets in com-tls"]
    run.found(DOTTED)
    assert run.problems == []


def test_what_is_also_written_without_a_dot_is_missed_all_the_same() -> None:
    run = LocatedProblem(host("h", name=DOTTED), host("i", name="example", namespace="com-tls"))
    run.of("example", Forbidden("no"), "com-tls")
    run.found(DOTTED)
    assert run.problems == ["the Secret com-tls/example may not be read: no"]


def test_a_deletion_that_is_watched_is_believed_at_once_and_a_list_without_it_after_a_second_look() -> None:
    run = LocatedProblem(host("h", name="tls"))
    run.found("tls")
    run.of("tls", Gone(SECRET.key("own", "tls")))
    assert run.secrets == []
    run.of("tls", Changed(secret("tls")))
    run.of("tls", Listed({}))
    assert run.secrets == ["tls"]
    run.of("tls", Listed({}))
    assert run.secrets == []


def test_a_page_that_is_not_found_is_no_answer_about_a_secret() -> None:
    run = LocatedProblem(host("h", name="tls"), host("i", name="other"))
    run.found("tls")
    target = ALL.named("own", "tls")
    for event in run.cluster.reflectors[target].refused(2.0, 404, "404 page not found"):
        run.take(target, event)
    run.of("other", Listed({}))
    assert run.secrets == ["tls"]
