"""From start to end: parts come back, signals are heard, nothing is left behind, the exit code says what happened."""

import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.entrypoint.house import ROOT, House, house, left
from tests.support.envoy import wait_until
from tests.support.pace import is_within
from tests.support.ports import unused_ports

pytestmark = pytest.mark.system

TWO = {"anna": "live", "bert": "live"}
KILLS = 10


def gone_without_trace(end: House) -> bool:
    return not left(end.mark) and not (end.folder / "run").exists()


@contextlib.contextmanager
def said_to_be_ready(running: House) -> Iterator[None]:
    """The answer of a diagnostics process whose Envoy serves."""

    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
            return

    running.new_pid("envoy")
    port = int(_environ(running.process.pid)["AMBASSADOR_HEALTHCHECK_BIND_PORT"])
    with ThreadingHTTPServer(("127.0.0.1", port), Ready) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield
        server.shutdown()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_everything_with_zero(number: signal.Signals) -> None:
    with house(TWO) as running:
        running.new_pid("anna")
        running.new_pid("bert")
        begin = time.monotonic()
        assert running.end(number) == 0
        assert is_within(time.monotonic() - begin, 3, times=15)
        assert gone_without_trace(running)
        assert running.log.splitlines()[-1].endswith("ended  exit_code=0")


@pytest.mark.faults
def test_a_killed_part_is_back_at_once_however_young_it_was() -> None:
    with house(TWO) as running:
        bert = running.new_pid("bert")
        gaps = [gap_after_kill(running, "anna", running.new_pid("anna")) for _ in range(KILLS)]
        assert is_within(statistics.median(gaps), 0.5), gaps
        assert running.pids("bert") == [bert]
        assert running.end() == 0
    print(f"back after {statistics.median(gaps) * 1000:.0f} ms at the median, {max(gaps) * 1000:.0f} ms at most")


@pytest.mark.faults
def test_a_killed_part_that_was_grown_up_is_back_at_once() -> None:
    with house(TWO) as running:
        gaps = []
        for _ in range(5):
            old = running.new_pid("anna")
            born = time.monotonic()
            wait_until(lambda born=born: time.monotonic() - born > 1.2, what="supervisord takes it for started")
            gaps.append(gap_after_kill(running, "anna", old))
        assert is_within(statistics.median(gaps), 0.5), gaps
        assert running.end() == 0


def gap_after_kill(running: House, part: str, old: int) -> float:
    """Seconds from the kill of a part's process to the next one."""
    os.kill(old, signal.SIGKILL)
    begin = time.monotonic()
    running.new_pid(part, but=old)
    return time.monotonic() - begin


@pytest.mark.parametrize("behaviour", ["fail", "refuse"])
def test_without_a_dispensable_part_the_others_go_on_and_it_is_tried_again(behaviour: str) -> None:
    with house(TWO | {"reporter": behaviour}, DRAGOMAN_TEST_REST="1") as running:
        anna, tries = running.new_pid("anna"), 4 if behaviour == "fail" else 1
        wait_until(lambda: "doing without" in running.log, what="it is given up for a while")
        wait_until(lambda: len(running.pids("reporter")) > tries, what="it is tried again")
        wait_until(lambda: "reporter is of no use" in running.log, what="its last words")
        assert running.pids("anna") == [anna]
        assert running.end() == 0
        assert gone_without_trace(running)


def test_a_dispensable_part_that_was_killed_is_back_at_once() -> None:
    with house(TWO | {"reporter": "live"}) as running:
        anna = running.new_pid("anna")
        assert is_within(gap_after_kill(running, "reporter", running.new_pid("reporter")), 2, times=10)
        assert running.pids("anna") == [anna]
        assert running.end() == 0


def test_a_part_that_ends_at_its_start_ends_the_whole_with_its_last_words() -> None:
    with house(TWO | {"carl": "fail"}) as running:
        assert running.code() == 1
        last = running.log.splitlines()[-1]
        assert "carl cannot be kept alive" in last
        assert "exit status 3" in last
        assert "carl is of no use" in last
        assert len(running.pids("carl")) == 4
        assert gone_without_trace(running)


def crash_until(running: House, part: str, word: str) -> None:
    """End each of the part's processes by a signal that is no pardon, until a word is in the log."""
    crashed: set[int] = set()

    def is_said() -> bool:
        for pid in set(running.pids(part)) - crashed:
            crashed.add(pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSEGV)
        return word in running.log

    wait_until(is_said, what=word)


def test_a_gateway_that_serves_does_without_a_part_that_configures_it_and_tries_it_again() -> None:
    with house({"envoy": "live", "translator": "live"}, DRAGOMAN_TEST_REST="1") as running, said_to_be_ready(running):
        wait_until(lambda: " ready " in running.log, what="ready")
        envoy = running.new_pid("envoy")
        crash_until(running, "translator", "doing without")
        last = running.pids("translator")[-1]
        assert running.new_pid("translator", but=last)
        assert running.pids("envoy") == [envoy]
        assert running.end() == 0
        assert gone_without_trace(running)


def test_a_gateway_that_never_served_says_which_part_it_cannot_do_without() -> None:
    with house({"envoy": "live", "translator": "live"}) as running:
        crash_until(running, "translator", "cannot be kept alive")
        assert running.code() == 1
        assert "translator cannot be kept alive" in running.log.splitlines()[-1]


def test_a_part_that_can_never_work_ends_the_whole_without_another_try() -> None:
    with house(TWO | {"carl": "refuse"}) as running:
        assert running.code() == 1
        assert len(running.pids("carl")) == 1
        assert "carl is of no use" in running.log.splitlines()[-1]


def test_a_part_that_crashes_ends_the_whole() -> None:
    with house(TWO | {"carl": "crash"}) as running:
        assert running.code() == 1
        assert "terminated by SIGSEGV" in running.log.splitlines()[-1]


def test_a_program_that_is_not_there_ends_the_whole() -> None:
    with house(TWO | {"carl": "/nowhere/carl"}) as running:
        assert running.code() == 1
        last = running.log.splitlines()[-1]
        assert "carl cannot be kept alive: it could not be started" in last
        assert "can't find command '/nowhere/carl'" in last
        assert gone_without_trace(running)


def test_a_killed_supervisord_ends_everything() -> None:
    with house(TWO) as running:
        running.new_pid("anna")
        running.new_pid("bert")
        os.kill(running.supervisord(), signal.SIGKILL)
        assert running.code() == 1
        assert "supervisord was killed by SIGKILL" in running.log.splitlines()[-1]
        assert gone_without_trace(running)


def test_a_stopped_supervisord_does_not_keep_the_end_from_coming() -> None:
    with house(TWO) as running:
        running.new_pid("bert")
        os.kill(running.supervisord(), signal.SIGSTOP)
        running.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "ending" in running.log, what="the first signal heard")
        assert running.end(signal.SIGTERM) == 128 + signal.SIGTERM
        assert gone_without_trace(running)


def test_a_second_signal_ends_at_once() -> None:
    with house({"anna": "deaf"}) as running:
        running.new_pid("anna")
        running.process.send_signal(signal.SIGINT)
        wait_until(lambda: "ending" in running.log, what="the first signal heard")
        begin = time.monotonic()
        assert running.end(signal.SIGINT) == 128 + signal.SIGINT
        assert is_within(time.monotonic() - begin, 2, times=10)
        assert gone_without_trace(running)


def test_a_part_that_does_not_hear_is_killed_in_the_end() -> None:
    with house({"anna": "deaf", "bert": "live"}) as running:
        running.new_pid("anna")
        assert running.end() == 0
        assert gone_without_trace(running)


def test_a_killed_entrypoint_takes_the_parts_with_it_and_the_next_start_tidies_up() -> None:
    with house(TWO, DRAGOMAN_RUN_DIR="") as running:
        running.new_pid("bert")
        run_dir = _run_dir(running.supervisord())
        running.process.kill()
        wait_until(lambda: not left(running.mark), what="its processes end")
        assert run_dir.exists()
        with house({"anna": "live"}, DRAGOMAN_RUN_DIR="") as next_one:
            next_one.new_pid("anna")
            assert not run_dir.exists()
            assert next_one.end() == 0


def _environ(pid: int) -> dict[str, str]:
    entries = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(entry.split("=", 1) for entry in entries if entry)


def _run_dir(supervisord: int) -> Path:
    """The one that it made, by the pipes that it has open."""
    opened = [each.readlink() for each in Path(f"/proc/{supervisord}/fd").iterdir()]
    return next(path.parent.parent for path in opened if path.name == "anna.out")


def test_orphans_are_adopted_and_ended() -> None:
    with house({"anna": "father"}) as running:
        father = running.new_pid("anna")
        wait_until(lambda: any("sleep" in command for command in left(running.mark).values()), what="the orphan lives")
        os.kill(father, signal.SIGKILL)
        running.new_pid("anna", but=father)
        assert running.end() == 0
        assert gone_without_trace(running)


def test_what_parts_say_arrives_whole_on_the_stream_that_they_used() -> None:
    with house({"anna": "talk", "bert": "talk"}) as running:
        wait_until(lambda: running.out.count("out 9999 ") == 2 and running.log.count("err 9999 ") == 2, what="all said")
        assert running.end() == 0
        expected = {f"out {number} " + "o" * (number % 300) for number in range(10_000)}
        assert set(running.out.splitlines()) == expected
        assert running.out.count("\n") == 20_000
        assert len([line for line in running.log.splitlines() if line.startswith("err ")]) == 20_000


def test_logs_are_json_on_demand_whoever_writes_them() -> None:
    with house({"anna": "fail"}, AMBASSADOR_JSON_LOGGING="true") as running:
        assert running.code() == 1
        events = [json.loads(line) for line in running.log.splitlines()]
    assert {"anna", "entrypoint"} == {event["part"] for event in events}
    assert "anna is of no use" in {event["event"] for event in events}
    assert events[-1]["event"] == "ended"


def test_a_reader_that_does_not_read_stops_no_part() -> None:
    reader, writer = os.pipe()
    with house({"anna": "talk"}, output=writer) as running:
        os.close(writer)
        wait_until((running.folder / "anna.said").exists, what="the part has said all that it wanted to")
        assert running.end() == 0
    os.close(reader)


def test_a_reader_that_goes_away_stops_nothing() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with house({"anna": "talk"}, output=writer) as running:
        os.close(writer)
        wait_until((running.folder / "anna.said").exists, what="the part has said all that it wanted to")
        assert running.end() == 0


def test_a_run_directory_in_use_is_refused() -> None:
    with house(TWO) as running:
        running.new_pid("anna")
        environ = _environ(running.process.pid) | {"AMBASSADOR_HEALTHCHECK_BIND_PORT": str(unused_ports(1)[0])}
        command = [sys.executable, "-m", "entrypoint"]
        second = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert second.returncode == 2
        assert "is in use by another dragoman" in second.stderr
        assert running.end() == 0


def test_settings_that_cannot_be_are_told_by_name() -> None:
    environ = {**os.environ, "AES_LOG_LEVEL": "loud", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "entrypoint"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("dragoman: AES_LOG_LEVEL: 'loud'")
