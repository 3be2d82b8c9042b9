"""Who reads documents: what ends or holds up a reader is one document's harm, and large files are nobody else's wait.

No document is known that does either: a reader of the test's own stands in, which does so by words in the text.
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.envoy import wait_until
from watcher import lanes as lanes_module
from watcher.frames import answer_of, batch_of, found_of, message_of
from watcher.lanes import DEATHS, Lanes
from watcher.limits import Limits
from watcher.parsing import Batch, Work, begin, read

STANDIN = """
import os, signal, sys, time
import watcher.parsing, watcher.reader
watcher.reader.PATIENCE = 0.5
real = watcher.parsing.read
def odd(batch):
    text = b"".join(batch.pieces)
    if b"crash" in text: os.kill(os.getpid(), signal.SIGSEGV)
    if b"leave" in text: os._exit(3)
    if b"once" in text and not os.path.exists(sys.argv[1]):
        open(sys.argv[1], "w").close()
        os.kill(os.getpid(), signal.SIGKILL if b"killed" in text else signal.SIGSTOP)
    if b"stop" in text: os.kill(os.getpid(), signal.SIGSTOP)
    while b"busy" in text: pass
    if b"less" in text: return []
    return real(batch)
watcher.reader.read = odd
watcher.reader.main()
"""
MAPPING = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: NAME}\n"


def file_of(*names: str, name: str = "a.yaml") -> Work:
    text = "---\n".join(MAPPING.replace("NAME", each) for each in names)
    return begin(name, text.encode(), "default", {}, Limits())


@pytest.fixture
def lanes(tmp_path: Path) -> Iterator[Lanes]:
    with Lanes(command=(sys.executable, "-P", "-c", STANDIN, str(tmp_path / "once"))) as made:
        yield made


def names_of(work: Work) -> list[str]:
    return [key.rpartition("/")[2] for key in work.content().objects]


def told(work: Work) -> list[tuple[int | None, str]]:
    return [(problem.document, problem.message) for problem in work.content().problems]


def test_what_a_reader_says_is_what_would_be_read_here() -> None:
    texts = (b"a: [", b"- 1\n- 2\n", MAPPING.encode(), b"", b'k: "\xc3\xa9"', b"a: &a [1]\nb: *a\n")
    batch = Batch("a.yaml", "default", Limits(), texts)
    assert batch_of(message_of(batch)) == batch
    assert found_of(answer_of(read(batch))) == read(batch)
    work, here = file_of("a", "b", "c"), file_of("a", "b", "c")
    with Lanes() as made:
        made.do(work)
    here.do()
    assert work.content() == here.content()


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("crash", "it cannot be read: the process that read it was ended by SIGSEGV"),
        ("leave", "it cannot be read: the process that read it ended with exit status 3"),
        ("busy", "it cannot be read: it took too long"),
        ("less", "it cannot be read: its answer is none: it is about something else"),
    ],
)
def test_what_ends_its_reader_is_told_and_those_beside_it_are_read(lanes: Lanes, word: str, reason: str) -> None:
    work = file_of("a", word, "b")
    lanes.do(work)
    assert names_of(work) == ["a", "b"]
    assert told(work) == [(2, reason)]
    after = file_of("c", name="b.yaml")
    lanes.do(after)
    assert names_of(after) == ["c"]


def test_a_reader_that_does_nothing_any_more_is_ended(lanes: Lanes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes_module, "STOPPED", 0.5)
    work = file_of("stop", "a")
    lanes.do(work)
    assert names_of(work) == ["a"]
    assert told(work) == [(1, "it cannot be read: the process that read it was stopped")]


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_what_somebody_does_to_a_reader_is_no_documents_fault(
    lanes: Lanes, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(lanes_module, "STOPPED", 0.5)
    work = file_of(f"{how.replace('stopped', 'paused')}-once")
    lanes.do(work)
    assert (len(names_of(work)), told(work)) == (1, [])


def test_a_reader_that_ended_while_it_had_nothing_to_do_is_no_documents_fault(lanes: Lanes) -> None:
    for name in ("a", "b", "c"):
        work = file_of(name)
        lanes.do(work)
        assert (names_of(work), told(work)) == ([name], [])
        reader = lanes._small._reader._process
        assert reader is not None
        reader.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, reader.pid, os.WEXITED | os.WNOWAIT)


def test_a_file_costs_a_few_readers_at_most(lanes: Lanes) -> None:
    work = file_of(*(f"leave-{number}" for number in range(20)))
    lanes.do(work)
    said = [message for _, message in told(work)]
    assert len(said) == 20
    assert sum("exit status 3" in message for message in said) == DEATHS
    assert said[-1] == "and 1 more problems"


def test_a_small_file_overtakes_the_larger_ones_that_wait(lanes: Lanes) -> None:
    """The one that is being read keeps the reader for a while."""
    held, large = file_of("busy", name="held.yaml"), file_of(*(f"m{n}" for n in range(500)), name="large.yaml")
    small = file_of("a", name="small.yaml")
    finished: list[str] = []
    lanes.submit(held)
    wait_until(lambda: not held.batches, what="the first one under way")
    for work in (large, small):
        lanes.submit(work)

    def collected() -> int:
        finished.extend(work.name for work in lanes.collect())
        return len(finished)

    wait_until(lambda: collected() == 3, what="all read")
    assert finished == ["held.yaml", "small.yaml", "large.yaml"]


def test_large_documents_have_a_lane_of_their_own(lanes: Lanes) -> None:
    large = begin("large.yaml", b"# " + b"x" * 100_000 + b"\nname: busy\n", "default", {}, Limits())
    small = file_of("a")
    lanes.submit(large)
    lanes.submit(small)
    finished: list[Work] = []
    wait_until(lambda: finished.extend(lanes.collect()) or finished, what="the first one")  # type: ignore[func-returns-value]
    assert [work.name for work in finished] == ["a.yaml"]


def test_the_end_waits_for_nobody() -> None:
    work = file_of("stop")
    with Lanes(command=(sys.executable, "-P", "-c", STANDIN)) as made:
        made.submit(work)
        wait_until(lambda: not work.batches, what="the reader asked")
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert not [thread for thread in threading.enumerate() if thread.name == "lane"]


def test_without_a_program_to_read_each_document_is_told() -> None:
    with Lanes(command=("/nowhere/python",)) as made:
        work = file_of("a")
        made.do(work)
    ((_, message),) = told(work)
    assert message.startswith("it cannot be read: no process to read it: ")
