"""A Host that cannot be read leaves its name, and what was read once stays."""

import json
from typing import Any

import pytest

from snapshot import Record
from tests.translator.emissary.world import World
from translator.kubernetes.shapes import STANDS_IN as KNOWN_AS
from watcher.limits import Limits
from watcher.parsing import parse
from watcher.sources import Source, SourceListed
from watcher.standing import STANDS_IN
from watcher.state import State

HUGE = 10**30
KEY = "getambassador.io/Host/default/h"


def written(**changes: Any) -> dict[str, Any]:
    host = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Host", "metadata": {"name": "h"}}
    return {**host, "spec": {"hostname": "h.test"}, **changes}


def objects(*documents: Any) -> dict[str, Record]:
    text = "\n---\n".join(map(json.dumps, documents)).encode()
    return dict(parse("a.yaml", text, "default", {}, Limits()).objects)


@pytest.mark.parametrize(
    "document",
    [
        written(spec={"hostname": "h.test", "number": HUGE}),
        written(spec={"hostname": "h.test"}, metadata={"name": "h", "annotations": {"a": HUGE}}),
        written(metadata={"name": 5}),
        written(metadata={"name": "h", "namespace": ["x"]}),
        written(metadata=[]),
        written(apiVersion="getambassador.io/v2", spec={"hostname": "h.test", "number": HUGE}),
    ],
    ids=["number", "annotation", "name", "namespace", "metadata", "v2"],
)
def test_the_name_of_a_host_that_cannot_be_read_is_shut(document: Any) -> None:
    made = World()
    made.listener(securityModel="INSECURE")
    made.host("wide", "*", requestPolicy={"insecure": {"action": "Route"}})
    made.mapping("a")
    ((key, record),) = objects(document).items()
    assert key.startswith("getambassador.io/Host/default/")
    made._change(key, record.body)
    assert "cannot be read" in " ".join(made.problems(key).values())
    assert made.answer("h.test", listener="default/http") == 404
    assert made.answer("other.test", listener="default/http") == "default/wide"


@pytest.mark.parametrize("kind", ["Mapping", "Module", "LogService"])
def test_nothing_stands_for_what_has_no_name_to_shut(kind: str) -> None:
    assert objects(written(kind=kind, spec={"number": HUGE})) == {}


def test_what_was_read_once_stays_and_comes_back() -> None:
    state, source = State(), Source(0, "a.yaml")
    good, bad = objects(written()), objects(written(spec={"hostname": "h.test", "number": HUGE}))
    state.step([SourceListed(source, bad, whole=False)])
    assert state.step([SourceListed(source, good)]).records == good
    assert state.step([SourceListed(source, bad, whole=False)]).records == {}
    assert state.step([SourceListed(source, {})]).records == {KEY: None}
    assert state.step([SourceListed(source, bad, whole=False)]).records == bad


def test_watcher_and_translator_mean_the_same_word() -> None:
    assert STANDS_IN == KNOWN_AS
