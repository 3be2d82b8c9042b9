"""`dragoman diff --prove` of a running gateway tells of connections what clients meet, before a change and after."""

import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.test_diff_and_status import dragoman
from tests.e2e.test_protocols import answers
from tests.e2e.test_tcp_mappings import tcp
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.ports import unused_ports
from tests.support.upstream import TcpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def test_whose_connections_are_told_is_who_has_them(tmp_path: Path) -> None:
    moved, stays = unused_ports(2)
    with TcpUpstream("one") as one, TcpUpstream("two") as two, Gateway() as gateway:
        before = tcp("moved", moved, one.service) + tcp("stays", stays, one.service)
        after = tcp("moved", moved, two.service) + tcp("stays", stays, one.service)
        gateway.apply("raw", before)
        for port in (moved, stays):
            wait_until(lambda port=port: answers(port, "one: hello"), what="who has the connections before")
        folder = Path(shutil.copytree(gateway.folder, tmp_path / "next"))
        (folder / "raw.yaml").write_text(after)
        done = dragoman("diff", folder, "--run-dir", gateway.run_dir, "--prove", "-o", "json")
        assert done.exit_code == 3, done.output
        proof = json.loads(done.stdout)["proof"]
        told = {each["url"]: each for each in proof["differ"]}
        assert told.keys() == {f"{how}:{moved}" for how in ("tcp://", "tls://(no name)", "tls://nobody.invalid")}
        for each in told.values():
            assert f"ip/127.0.0.1:{one.port}" in each["before"]["said"]
            assert f"ip/127.0.0.1:{two.port}" in each["after"]["said"]
        gateway.apply("raw", after)
        wait_until(lambda: answers(moved, "two: hello"), what="who has the connections after")
        assert answers(stays, "one: hello")
