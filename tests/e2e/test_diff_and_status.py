"""`dragoman diff` and `dragoman status` of a running gateway: what is told before a change, requests get after it."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner, Result

from cli.__main__ import main
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping, tls_secret
from tests.support.part import product_environ
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


@pytest.fixture(scope="module")
def world(red: HttpUpstream, blue: HttpUpstream) -> Iterator[Gateway]:
    pair = authority().sign("tls.diff.test")
    texts = tls_secret("tls", pair.certificate, pair.key)
    texts += host("diff", "diff.test") + host("tls", "tls.diff.test", tlsSecret={"name": "tls"})
    texts += mapping("all", "diff.test", blue.service) + mapping("secure", "tls.diff.test", red.service)
    texts += mapping("cart", "diff.test", red.service, "/cart/", rewrite="/c/")
    texts += mapping("old", "diff.test", red.service, "/old/")
    texts += mapping("some", "diff.test", red.service, "/some/", weight=30)
    texts += mapping("most", "diff.test", blue.service, "/some/")
    with Gateway(patience=180) as gateway:
        gateway.apply("world", texts)
        gateway.wait_served("diff.test", "/cart/")
        gateway.wait_served("tls.diff.test", tls=True)
        yield gateway


@pytest.fixture
def next_folder(world: Gateway, tmp_path: Path) -> Path:
    """A copy of the gateway's folder, to be edited."""
    return Path(shutil.copytree(world.folder, tmp_path / "next"))


def dragoman(*arguments: object) -> Result:
    done = CliRunner().invoke(main, [*map(str, arguments)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def edited(folder: Path, old: str, new: str) -> None:
    path = folder / "world.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_the_folder_that_is_served_is_no_difference(world: Gateway, next_folder: Path) -> None:
    done = dragoman("diff", next_folder, "--run-dir", world.run_dir)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("nothing differs\n")


def test_what_two_envoys_answer_is_what_requests_get(
    world: Gateway, next_folder: Path, red: HttpUpstream, blue: HttpUpstream
) -> None:
    edited(next_folder, '"/cart/"', '"/basket/"')
    edited(next_folder, '"weight": 30', '"weight": 40')
    edited(
        next_folder, f'"/old/", "service": "{red.service}"', f'"/old/", "service": "{blue.service}", "timeout_ms": 7000'
    )
    redirect = {"service": "new.test", "host_redirect": True}
    more = (
        mapping("gone", "diff.test", redirect.pop("service"), "/gone/", **redirect)
        + mapping("tls-too", "tls.diff.test", blue.service, "/blue/")
        + mapping("asks", "diff.test", blue.service, "/cart/", headers={"x-team": "b"})
    )
    (next_folder / "world.yaml").write_text((next_folder / "world.yaml").read_text() + more)
    red.seen.clear()
    blue.seen.clear()
    done = dragoman("diff", next_folder, "--run-dir", world.run_dir, "--prove", "-o", "json")
    assert done.exit_code == 3, done.output
    assert (red.seen, blue.seen) == ([], []), "no service hears of it"
    proof = json.loads(done.stdout)["proof"]
    assert (proof["left_out"], proof["unasked"]) == (0, 0)
    told = {(each["url"].partition("//")[2], tuple(each["headers"])): each for each in proof["differ"]}
    http, https = f"diff.test:{world.http_port}", f"tls.diff.test:{world.https_port}"
    assert {(url.partition("/")[0], "/" + url.partition("/")[2], names) for url, names in told} == {
        (http, "/cart/probe", ()),
        (http, "/cart/probe", ("x-team",)),
        (http, "/basket/probe", ()),
        (http, "/old/probe", ()),
        (http, "/some/probe", ()),
        (http, "/gone/probe", ()),
        (https, "/blue/probe", ()),
        (f"tls.{http}", "/blue/probe", ()),  # whose Host routes what comes in clear text
    }
    shares = told[f"{http}/some/probe", ()]
    assert shares["before"]["said"].startswith("by shares: 30 % to "), "not as it was drawn this time"
    assert shares["after"]["said"].startswith("by shares: 40 % to ")
    _compare(world, proof["differ"], "before", red, blue)
    was = (world.folder / "world.yaml").read_text()
    try:
        world.settle("world", (next_folder / "world.yaml").read_text())
        world.wait_served("diff.test", "/gone/", status=301)
        wait_until(
            lambda: world.request("tls.diff.test", "/blue/", tls=True).json()["path"] == "/",
            what="the new Mapping in TLS, too",
        )
        _compare(world, proof["differ"], "after", red, blue)
    finally:
        world.apply("world", was)
        world.wait_served("diff.test", "/gone/")


def _compare(world: Gateway, differ: list[dict[str, Any]], when: str, red: HttpUpstream, blue: HttpUpstream) -> None:
    """Real requests get what was told: whose service has it, as what path, or the redirect."""
    for each in differ:
        url = httpx.URL(each["url"])
        said = each[when]["said"]
        if said.startswith("by shares"):
            continue
        names = dict.fromkeys(each["headers"], "b")
        red.seen.clear()
        blue.seen.clear()
        response = world.request(url.host, url.path, tls=url.scheme == "https", headers=names)
        if said.startswith("301"):
            assert (response.status_code, response.headers["location"]) == (301, said.split()[1].rstrip(","))
            continue
        cluster, path = re.findall(r"to (\S+) as GET (\S+),", said)[0]
        (seen,) = [*red.seen, *blue.seen]
        assert cluster == f"ip/127.0.0.1:{red.port if red.seen else blue.port}", each
        assert seen["path"] == path, each


def test_status_tells_of_all_objects_and_of_what_is_wrong(world: Gateway) -> None:
    quiet = re.compile(r"^Envoy 1\.\d+\.\d+ LIVE, connected; \d+ resources: \d+ accepted$", re.MULTILINE)
    wait_until(
        lambda: quiet.search(dragoman("status", "--run-dir", world.run_dir).stdout), what="Envoy has taken everything"
    )
    done = dragoman("status", "--run-dir", world.run_dir)
    assert done.exit_code == 0, done.output
    assert re.search(r"^default +Mapping +cart +ok +accepted +[-0-9.ms]+ +world\.yaml#\d+$", done.stdout, re.MULTILINE)
    bad = mapping("bad", "diff.test", "10.0.0.1", "/bad/", timeout_ms="soon")
    with world.applied("bad", bad):
        done = dragoman("status", "--url", f"127.0.0.1:{world.diagnostics_port}", "-k", "mapping", "--problems")
        assert done.exit_code == 1
        assert re.search(r"^default +Mapping +bad +stopped +- +- +bad\.yaml#1$", done.stdout, re.MULTILINE)
        assert "    spec.timeout_ms must be an integer" in done.stdout
        assert "cart" not in done.stdout
        fine = dragoman("status", "--run-dir", world.run_dir, "-k", "Host", "-n", "default", "-o", "json")
        report = json.loads(fine.stdout)
        assert fine.exit_code == 0
        assert {row["name"] for row in report["objects"]} == {"diff", "tls", "some"}
    assert dragoman("status", "--url", "127.0.0.1:1").exit_code == 2


def test_status_tells_how_long_an_edit_took_until_it_was_served(world: Gateway, red: HttpUpstream) -> None:
    def row() -> dict[str, Any] | None:
        said = json.loads(dragoman("status", "--run-dir", world.run_dir, "-k", "Mapping", "-o", "json").stdout)
        rows = {each["name"]: each for each in said["objects"]}
        return rows.get("edited")

    world.apply("edited", mapping("edited", "diff.test", red.service, "/edited/"))
    world.wait_served("diff.test", "/edited/")
    found = wait_until(lambda: (now := row()) and now["served_after_s"] is not None and now, what="it is told")
    world.apply("edited", mapping("edited", "diff.test", red.service, "/edited-again/"))
    world.wait_served("diff.test", "/edited-again/")
    again = wait_until(
        lambda: (now := row()) and now["changed_at"] > found["changed_at"] and now["served_after_s"] and now,
        what="the second edit is told",
    )
    assert 0 < again["served_after_s"] < 60
    shown = dragoman("status", "--run-dir", world.run_dir, "-k", "Mapping").stdout
    assert re.search(r"Mapping +edited +ok +accepted +[0-9.]+m?s ", shown), shown
    world.remove("edited")


def test_status_watches(world: Gateway) -> None:
    """Each line is a report: another when something is different."""
    command = [sys.executable, "-P", "-m", "cli", "status", "--run-dir", str(world.run_dir), "-w", "-o", "json"]
    lines: list[str] = []
    with subprocess.Popen(command, env=product_environ({}), stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        reading = threading.Thread(target=lambda: lines.extend(iter(watching.stdout.readline, "")))  # type: ignore[union-attr]
        reading.start()
        wait_until(lambda: lines, what="the first report")
        with world.applied("more", mapping("seen", "diff.test", "10.0.0.1", "/seen/")):
            wait_until(lambda: '"name":"seen"' in lines[-1], what="the report with the new object")
        watching.terminate()
        reading.join()


def test_status_tells_what_changed_with_what_is_different_and_no_secret(world: Gateway, red: HttpUpstream) -> None:
    wanted = {"headers": {"x-key": "private-one"}, "timeout_ms": 4321}
    with world.applied("changing", mapping("changing", "diff.test", red.service, "/changing/", **wanted)):
        wanted = {"headers": {"x-key": "private-two"}, "timeout_ms": 1234}
        world.settle("changing", mapping("changing", "diff.test", red.service, "/changing/", **wanted))

        def told() -> list[dict[str, Any]] | None:
            done = dragoman("status", "--changes", "-k", "Mapping", "--run-dir", world.run_dir, "-o", "json")
            found = [each for each in json.loads(done.stdout) if each["key"].endswith("/changing")]
            return found if len(found) == 2 and all(each["served_after_s"] for each in found) else None

        made, changed = wait_until(told, what="two changes that are served")
        assert (made["what"], changed["what"], changed["source"]) == ("made", "changed", "changing.yaml#1")
        assert "-  timeout_ms: 4321\n+  timeout_ms: 1234" in changed["diff"]
        assert "+    x-key: (hidden 2)" in changed["diff"]
        done = dragoman("status", "--changes", "--run-dir", world.run_dir)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "    +  timeout_ms: 1234\n" in done.stdout
        assert re.search(
            r"changed  Mapping default/changing  served after [0-9.]+m?s  \(changing.yaml#1\)", done.stdout
        )
        assert "made  Secret default/" in done.stdout, "that a Secret changed is told"
        assert "private" not in done.stdout
        assert "BEGIN" not in done.stdout
    assert dragoman("status", "--changes", "--watch", "--run-dir", world.run_dir).exit_code == 2
