"""Envoy's answers of every type of resource reach the state machine: what one was missing of would wait for ever."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from process.settings import Settings
from snapshot import Record, Snapshot
from translator.__main__ import Translator
from translator.resources import RESOURCE_TYPES

GROUP = "getambassador.io"
LISTENS = {
    "port": 8080,
    "protocol": "HTTP",
    "securityModel": "XFP",
    "hostBinding": {"namespace": {"from": "ALL"}},
}


def an_object(kind: str, name: str, spec: dict[str, Any]) -> tuple[str, Record]:
    document = {"apiVersion": f"{GROUP}/v3alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    body = orjson.dumps(document)
    return f"{GROUP}/{kind}/default/{name}", Record(str(hash(body)), body, {"uid": name, "generation": 1})


@pytest.mark.parametrize("last", RESOURCE_TYPES)
def test_when_the_last_resource_is_answered_no_status_waits(tmp_path: Path, last: str) -> None:
    bells = tmp_path / "bells"
    bells.mkdir()
    with Snapshot.open(tmp_path / "snapshot", bells=bells) as snapshot:
        translator = Translator(snapshot, Settings())
        mapping = {"hostname": "*", "prefix": "/", "service": "https://quote.test", "tls": "to-quote"}
        objects = dict(
            [
                an_object("Listener", "http", LISTENS),
                an_object("Mapping", "a", mapping),
                an_object("Mapping", "b", {"hostname": "*", "prefix": "/b/", "service": "quote"}),
                an_object("TLSContext", "to-quote", {"sni": "quote.test"}),
            ]
        )
        snapshot.writer("objects").commit(objects)
        translator.turn()
        published = snapshot.reader("resources").all()
        answers = {key: Record("1", b"", {"accepted": row.version}) for key, row in published.items()}
        acks = snapshot.writer("acks")

        def programmed() -> set[str]:
            statuses = [orjson.loads(row.body).get("status", {}) for row in snapshot.reader("statuses").all().values()]
            conditions = [each for status in statuses for each in status.get("conditions", [])]
            return {each["status"] for each in conditions if each["type"] == "Programmed"}

        assert programmed() == {"Unknown"}
        late = {key: answer for key, answer in answers.items() if key.startswith(f"{last}/")}
        acks.commit({key: answer for key, answer in answers.items() if key not in late})
        translator.turn()
        assert programmed() == ({"Unknown"} if late else {"True"})
        acks.commit(dict(late))
        translator.turn()
        assert programmed() == {"True"}
