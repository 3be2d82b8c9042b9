"""Memory that is given back, in a process of its own: what is free between things that stay goes too."""

import asyncio
import ctypes
import json
import subprocess
import sys
from pathlib import Path

import pytest

from process import memory

ROOT = Path(__file__).parents[2]
TATTERED = """
import ctypes, json
from process.memory import give_back

def own():
    lines = [line.split() for line in open("/proc/self/smaps_rollup").read().splitlines()[1:]]
    return next(int(words[1]) for words in lines if words[0] == "Anonymous:") / 1024

library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]
made = []
for _ in range(1000):
    made.append(library.malloc(60_000))
    ctypes.memset(made[-1], 1, 60_000)
    made.append(library.malloc(100))
full = own()
for block in made[::2]:
    library.free(block)
freed = own()
give_back()
print(json.dumps([full, freed, own()]))
"""
ZEROS = """
import asyncio, json, os, socket, uvloop
from process.main import _new_loop

async def echoed():
    reader, writer = await asyncio.open_connection(sock=ours)
    sent = os.urandom(1 << 20)
    writer.write(sent)
    received = await reader.readexactly(len(sent))
    writer.close()
    return sent == received

async def served():
    reader, writer = await asyncio.open_connection(sock=theirs)
    while chunk := await reader.read(1 << 18):
        writer.write(chunk)
    writer.close()

async def both():
    return (await asyncio.gather(echoed(), served()))[0]

def own():
    lines = [line.split() for line in open("/proc/self/smaps_rollup").read().splitlines()[1:]]
    return next(int(words[1]) for words in lines if words[0] == "Anonymous:")

ours, theirs = socket.socketpair()
first = uvloop.new_event_loop()
own()
before = own()
full = uvloop.new_event_loop()
between = own()
loop = _new_loop()
after = own()
print(json.dumps([between - before, after - between, loop.run_until_complete(both())]))
for each in (loop, full, first):
    each.close()
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library than glibc")
def test_what_is_free_between_things_that_stay_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", TATTERED], cwd=ROOT, capture_output=True, text=True, check=True)
    full, freed, given = json.loads(done.stdout)
    assert freed > full - 20, "the C library gives it back by itself, and nobody has to ask it"
    assert given < full - 45


async def test_who_worked_gives_back_and_who_rests_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    given = 0
    spent = iter([1.0, 1.0, 1.04, 1.05, 1.06, 1.11, 1.11])

    def give_back() -> None:
        nonlocal given
        given += 1

    class Clock:
        @staticmethod
        def process_time() -> float:
            return next(spent)

    monkeypatch.setattr(memory, "EVERY", 0.0)
    monkeypatch.setattr(memory, "give_back", give_back)
    monkeypatch.setattr(memory, "time", Clock)
    tidying = asyncio.ensure_future(memory.tidy())
    await asyncio.wait([tidying])
    assert isinstance(tidying.exception(), RuntimeError)
    assert given == 3


APART = """
import ctypes
from process.memory import keep_apart

library = ctypes.CDLL(None)
library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
library.free.argtypes = [ctypes.c_void_p]

def is_on_the_heap(size):
    place = library.malloc(size)
    heap = next(line.split()[0] for line in open("/proc/self/maps") if "[heap]" in line)
    first, last = (int(word, 16) for word in heap.split("-"))
    library.free(place)
    return first <= place < last

before = is_on_the_heap(1 << 20)  # as something large is freed, glibc learns to do otherwise
if {apart}:
    keep_apart()
print(before, is_on_the_heap(1 << 19))
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library than glibc")
@pytest.mark.parametrize("apart", [True, False])
def test_what_is_large_is_never_on_the_heap(apart: bool) -> None:
    program = APART.replace("{apart}", str(apart))
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", str(not apart)]


def test_an_event_loop_takes_no_memory_for_what_it_has_not_read_yet_and_reads_all_the_same() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-c", ZEROS], env={"PYTHONPATH": str(ROOT)}, capture_output=True, check=True
    )
    full, given_back, is_the_same = json.loads(done.stdout)
    assert is_the_same
    assert given_back < full - 150
