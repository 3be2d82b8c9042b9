"""The page's paths as the running diagnostics serve them: what a browser is told, who is refused, and live events."""

import http.client
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from diagnostics.ui.views import VIEWS
from snapshot import Record, Snapshot
from tests.diagnostics.page_worlds import MAPPING, Read, problem, status
from tests.diagnostics.running_diagnostics import RunningDiagnostics
from tests.support.part import ROOT

DIAG = "/ambassador/v0/diag/"
KEY = f"{MAPPING}default/a"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDiagnostics]:
    folder = tmp_path_factory.mktemp("page")
    with Snapshot.open(folder / "snapshot") as snapshot:
        snapshot.writer("objects").commit({KEY: Record("1", b"{}")})
        snapshot.writer("statuses").commit({KEY: status("stopped", problem("is missing"))})
    with RunningDiagnostics(folder) as running:
        yield running


def test_nothing_of_it_is_in_memory_before_it_is_asked_for() -> None:
    said = "import sys, diagnostics.__main__; print([m for m in sys.modules if m[:6] == 'jinja2' or '.ui' in m])"
    ran = subprocess.run([sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", [page.name for page in VIEWS])
def test_every_view_is_served_and_has_nothing_from_elsewhere(running: RunningDiagnostics, name: str) -> None:
    response = running.get(f"{DIAG}{name}?key={KEY}")
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = dict(each.strip().split(" ", 1) for each in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    read = Read(response.text)
    assert not re.findall(r"https?://|//[a-z]", " ".join(v for n, v in read.attributes if n in ("href", "src")))
    part = running.get(f"{DIAG}{name}?key={KEY}&part=1").text
    assert "<html" not in part
    assert part.strip() in response.text


def test_files_are_served_by_their_tags_and_nothing_beside_them(running: RunningDiagnostics) -> None:
    first = running.get(f"{DIAG}static/page.css")
    assert (first.status_code, first.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request("GET", f"{DIAG}static/page.css", headers={"If-None-Match": first.headers["ETag"]})
    assert connection.getresponse().status == 304
    connection.close()
    for name in ("static/../serving.py", "static/%2e%2e/serving.py", "static/", "templates/base.html", "static/x"):
        assert running.get(DIAG + name).status_code == 404, name


@pytest.mark.parametrize(
    ("method", "path", "headers", "status_code"),
    [
        ("GET", DIAG[:-1], {}, 308),
        ("HEAD", f"{DIAG}objects", {}, 200),
        ("POST", f"{DIAG}objects", {}, 405),
        ("POST", f"{DIAG}levels", {}, 403),
        ("POST", f"{DIAG}levels", {"X-Dragoman-Via": "1", "Origin": "http://127.0.0.1"}, 403),
        ("GET", f"{DIAG}nothing", {}, 404),
        ("GET", f"{DIAG}?loglevel=debug", {}, 403),
        ("GET", f"{DIAG}objects", {"X-Dragoman-Via": "1"}, 403),
        ("GET", f"{DIAG}events", {"X-Dragoman-Via": "1"}, 403),
        ("GET", f"{DIAG}objects?page=x&page=2&kind=%00%ff&find=%f0", {}, 200),
    ],
)
def test_who_asks_otherwise_is_told(
    running: RunningDiagnostics, method: str, path: str, headers: dict[str, str], status_code: int
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    assert answer.status == status_code
    if status_code == 308:
        assert answer.headers["Location"] == "diag/"
    connection.close()


def test_a_question_that_another_site_sends_is_not_asked(running: RunningDiagnostics) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=20)
    for site, says in (("cross-site", "Another site sent you here"), ("same-origin", "no gateway answers")):
        connection.request("GET", f"{DIAG}why?url=http://a.test/", headers={"Sec-Fetch-Site": site})
        assert says in connection.getresponse().read().decode(), site
    connection.close()


def test_what_is_no_request_is_told_in_the_form(running: RunningDiagnostics) -> None:
    assert "must be http://HOST/PATH" in running.get(f"{DIAG}why?url=ftp://a.test/").text
    assert "-H bad: must be NAME: VALUE" in running.get(f"{DIAG}why?url=http://a.test/&headers=bad").text


def test_who_listens_is_told_that_something_changed(running: RunningDiagnostics) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    connection.request("GET", f"{DIAG}events")
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    assert answer.readline() == b"retry: 2000\n"
    with Snapshot.open(running.run_dir / "snapshot") as snapshot, snapshot.writer("statuses") as writer:
        number = 0
        line = b""
        while not line.startswith(b"event"):  # the first look may come after the first commit
            number += 1
            writer.commit({KEY: Record(f"n{number}", status("ok").body)})
            line = _told(answer)
        assert answer.readline() == b"data: statuses\n"
    connection.close()


def _told(answer: http.client.HTTPResponse) -> bytes:
    line = answer.readline()
    while line == b"\n":
        line = answer.readline()
    return line
