"""The doorbell: who listens is woken, and neither the deaf nor the dead nor a full one holds up the ringer."""

import asyncio
import os
import shutil
import socket
import stat
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import uvloop
from snapshot_processes import Start

from snapshot import Record, Snapshot
from snapshot.bell import Bell, ring

LISTENER = """
import asyncio, sys
from pathlib import Path
from snapshot.bell import Bell
async def main():
    bell = Bell.listen(Path(sys.argv[1]), "other")
    print(bell.path.name, flush=True)
    print(await bell.wait(20), flush=True)
    sys.stdin.readline()
    bell.close()
asyncio.run(main())
"""


@pytest.fixture
def bells(memory: Path) -> Path:
    return memory / "bells"


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop])
def run(request: pytest.FixtureRequest) -> Callable[[Coroutine[Any, Any, None]], None]:
    def on_loop(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(test)

    return on_loop


Run = Callable[[Coroutine[Any, Any, None]], None]


def test_a_ring_wakes_whoever_waits(bells: Path, run: Run) -> None:
    async def test() -> None:
        one, other = Bell.listen(bells, "one"), Bell.listen(bells, "other")
        waiting = [asyncio.ensure_future(bell.wait(20)) for bell in (one, other)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        ring(bells)
        assert await asyncio.gather(*waiting) == [True, True]
        one.close()
        other.close()

    run(test())
    assert not list(bells.iterdir())


def test_a_writer_that_shall_not_ring_wakes_nobody(memory: Path, bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "reader")
        with Snapshot.open(memory / "snapshot", bells=bells) as snapshot:
            await bell.wait(0)
            quiet, loud = snapshot.writer("live", rings=False), snapshot.writer("objects")
            assert quiet.commit({"a": Record("1", b"")})
            assert not await bell.wait(0.1)
            assert loud.commit({"a": Record("1", b"")})
            assert await bell.wait(10)
        bell.close()

    run(test())


def test_a_commit_wakes_only_those_who_want_to_hear_of_its_database(memory: Path, bells: Path, run: Run) -> None:
    async def test() -> None:
        acks, others, everything = (
            Bell.listen(bells, "acks", "acks"),
            Bell.listen(bells, "others", "objects", "holds"),
            Bell.listen(bells, "everything"),
        )
        everyone = (acks, others, everything)
        with Snapshot.open(memory / "snapshot", bells=bells) as snapshot:
            assert snapshot.writer("holds").commit({"a": Record("1", b"")})
            assert await others.wait(10)
            assert await everything.wait(10)
            assert not await acks.wait(0)
            assert snapshot.writer("acks").commit({"a": Record("1", b"")})
            assert await acks.wait(10)
            assert await everything.wait(10)
            assert not await others.wait(0)
        ring(bells)
        assert [await bell.wait(10) for bell in everyone] == [True, True, True]
        for bell in everyone:
            bell.close()

    run(test())
    assert not list(bells.iterdir())


def test_rings_before_the_wait_count_once(bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        ring(bells)
        ring(bells)
        assert await bell.wait(20)
        assert not await bell.wait(0.01)
        assert not await bell.wait(0)
        bell.close()

    run(test())


def test_a_wait_that_is_cancelled_can_be_taken_up_again(bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        waiting = asyncio.ensure_future(bell.wait())
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        ring(bells)
        assert await bell.wait()
        bell.close()

    run(test())


def test_other_processes_hear_it_and_what_they_leave_goes(bells: Path, start: Start) -> None:
    listeners = [start(LISTENER, bells) for _ in range(2)]
    names = {listener.stdout.readline().strip() for listener in listeners}
    assert names == {f"other.{listener.pid}.sock" for listener in listeners}
    assert {entry.name for entry in bells.iterdir()} == names
    ring(bells)
    assert [listener.stdout.readline() for listener in listeners] == ["True\n", "True\n"]
    for listener in listeners:
        listener.kill()
        listener.wait()
    ring(bells)
    assert not list(bells.iterdir())


def test_listening_removes_what_dead_processes_left_and_nothing_else(bells: Path, start: Start) -> None:
    living = start(LISTENER, bells)
    dead = start(LISTENER, bells)
    assert living.stdout.readline()
    assert dead.stdout.readline()
    dead.kill()
    dead.wait()
    (bells / "notes.txt").touch()
    (bells / f"me.{os.getpid()}.sock").touch()  # of an earlier process with this number
    bell = Bell.listen(bells, "me")
    assert {entry.name for entry in bells.iterdir()} == {f"other.{living.pid}.sock", "notes.txt", bell.path.name}
    bell.close()


def test_it_is_for_its_owner_only(bells: Path) -> None:
    old = os.umask(0)
    try:
        bell = Bell.listen(bells, "one")
    finally:
        os.umask(old)
    assert stat.S_IMODE(bells.stat().st_mode) == 0o700
    assert stat.S_IMODE(bell.path.stat().st_mode) == 0o600
    bell.close()


def test_the_directory_may_lie_deeper_than_a_sockets_address_is_long(bells: Path, run: Run) -> None:
    async def test() -> None:
        deep = bells / ("d" * 100) / ("e" * 100)
        bell = Bell.listen(deep, "one")
        ring(deep)
        assert await bell.wait(20)
        bell.close()

    run(test())


def test_a_listener_that_does_not_listen_holds_nobody_up(bells: Path) -> None:
    bell = Bell.listen(bells, "deaf")
    begun = time.monotonic()
    for _ in range(2000):
        ring(bells)
    assert time.monotonic() - begun < 10
    bell.close()


def test_ringing_nowhere_and_at_things_that_are_no_bells_is_silent(bells: Path) -> None:
    ring(bells)
    bells.mkdir()
    (bells / "file.1.sock").touch()
    (bells / "folder.1.sock").mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.bind(str(bells / "stream.1.sock"))
        ring(bells)
    ring(bells / "file.1.sock")


def test_commits_that_change_something_ring(path: Path, bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        with Snapshot.open(path, bells=bells) as snapshot:
            writer = snapshot.writer("objects")
            assert not await bell.wait(0)
            for change in (
                lambda: writer.commit({"a": Record("1", b"")}),
                lambda: writer.replace({"b": Record("1", b"")}),
                lambda: writer.commit({"b": None}),
            ):
                assert change()
                assert await bell.wait(20)
            for nothing in (
                lambda: writer.commit({"b": None}),
                lambda: writer.commit({}),
                lambda: writer.replace({}),
            ):
                assert nothing() is None
                assert not await bell.wait(0)
        bell.close()

    run(test())


def test_a_replaced_file_rings_so_that_its_old_users_look(path: Path, bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        Snapshot.open(path, bells=bells).close()
        assert not await bell.wait(0)
        (path / "data.mdb").write_text("spoilt")
        Snapshot.open(path, bells=bells).close()
        assert await bell.wait(20)
        bell.close()

    run(test())


def take_down(bell: Bell) -> None:
    bell.path.unlink()


def take_all_down(bell: Bell) -> None:
    shutil.rmtree(bell.path.parent)


def put_a_file_there(bell: Bell) -> None:
    bell.path.unlink()
    bell.path.touch()


def put_a_folder_there(bell: Bell) -> None:
    bell.path.unlink()
    bell.path.mkdir()


def put_another_bell_there(bell: Bell) -> None:
    bell.path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(bell.path))


def forbid(bell: Bell) -> None:
    bell.path.chmod(0)


@pytest.mark.parametrize(
    "harm", [take_down, take_all_down, put_a_file_there, put_a_folder_there, put_another_bell_there, forbid]
)
def test_a_bell_that_was_taken_down_is_hung_up_again(bells: Path, run: Run, harm: Callable[[Bell], None]) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        for _ in range(2):
            harm(bell)
            while not await bell.wait(0.05):  # the slow poll of whoever listens
                pass
            assert stat.S_IMODE(bell.path.stat().st_mode) == 0o600
            assert not await bell.wait(0)
            ring(bells)
            assert await bell.wait(20)
        bell.close()

    run(test())


def put_a_file_in_place_of(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.touch()


def remove_file(path: Path) -> None:
    path.unlink()


def test_where_a_bell_cannot_be_hung_up_its_listener_goes_on_looking_by_itself(bells: Path, run: Run) -> None:
    async def test() -> None:
        bell = Bell.listen(bells, "one")
        put_a_file_in_place_of(bells)
        begun = time.monotonic()
        assert not await bell.wait(0.6)
        assert not await bell.wait(0.1)
        assert time.monotonic() - begun > 0.6
        remove_file(bells)
        while not await bell.wait(0.05):
            pass
        ring(bells)
        assert await bell.wait(20)
        bell.close()

    run(test())
