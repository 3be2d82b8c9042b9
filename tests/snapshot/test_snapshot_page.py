"""A snapshot read by the book: with LMDB, the standard library and what docs/snapshot.md says."""

import fcntl
import json
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import lmdb
from snapshot_processes import Start

DATABASES = ("objects", "live", "resources", "statuses", "acks", "holds", "wanted", "catalog")

PAGE = Path(__file__).parents[2] / "docs/snapshot.md"
LONG = {"apiVersion": "getambassador.io/v3alpha1", "kind": "Mapping", "spec": {"prefix": "/a/", "service": "caf\u00e9"}}
WRITER = """
import sys
from pathlib import Path
from snapshot import Record, Snapshot
with Snapshot.open(Path(sys.argv[1])) as snapshot:
    objects = snapshot.writer("objects")
    objects.commit({"core/Secret/default/tls": Record("v1", b"{}"), "gone": Record("v1", b"")})
    second = Record("v2", b'{"kind": "Secret"}', {"source": "a.yaml#2"})
    objects.commit({"core/Secret/default/tls": second, "gone": None})
    snapshot.writer("statuses").commit({"getambassador.io/Mapping/default/m": Record("v3", sys.argv[2].encode())})
    snapshot.writer("resources").commit({"route/caf\\u00e9": Record("00ff", bytes(range(256)))})
    print("written", flush=True)
    sys.stdin.readline()
"""


def dictionary() -> bytes:
    """The dictionary, as it stands on the page."""
    text = PAGE.read_text().partition("## The dictionary of packed bodies")[2]
    return text.split("```text\n")[1].partition("\n```")[0].replace("\n", "").encode()


def value(key: bytes, raw: bytes) -> tuple[Any, bytes]:
    told, checksum = struct.unpack(">II", raw[:8])
    length = told & 0x7FFFFFFF
    assert checksum == zlib.crc32(key + raw[:4] + raw[8:])
    body = raw[8 + length :]
    if told >> 31:
        body = zlib.decompressobj(-12, dictionary()).decompress(body)
    return json.loads(raw[8 : 8 + length]), body


def test_another_program_can_read_it(path: Path, start: Start) -> None:
    began = time.time()
    writer = start(WRITER, path, json.dumps(LONG))
    assert writer.stdout.readline() == "written\n"
    mark = path / "user.somebody.lock"
    with mark.open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with lmdb.open(str(path), readonly=True, max_dbs=19, map_size=8 << 30) as env, env.begin() as txn:
            read = read_all(env, txn)
        mark.unlink()
    meta = read["meta"]
    assert meta.pop(b"format") == ({"format": "dragoman-snapshot", "schema": 4}, b"")
    assert meta.keys() == {b"objects", b"resources", b"statuses"}
    state = meta[b"objects"][0]
    seal = state.pop("seal")
    log_bytes = state.pop("log_bytes")
    assert state == {"sequence": 2, "changed": 4, "count": 1, "log_from": 0}
    assert read["objects"] == {
        b"core/Secret/default/tls": (
            {"version": "v2", "notes": {"source": "a.yaml#2"}},
            b'{"kind": "Secret"}',
        )
    }
    assert read["statuses"] == {b"getambassador.io/Mapping/default/m": ({"version": "v3"}, json.dumps(LONG).encode())}
    assert read["resources"] == {"route/café".encode(): ({"version": "00ff"}, bytes(range(256)))}
    logged = read["objects.log"]
    assert [int.from_bytes(key, "big") for key in logged] == [1, 2]
    for header, body in logged.values():
        assert list(header) == ["at"]
        assert began <= header["at"] <= time.time()
        assert sorted(json.loads(body)) == ["core/Secret/default/tls", "gone"]
    assert seal == sum(checksums(path, "objects"))
    sizes = [8 + len(json.dumps(header, separators=(",", ":"))) + len(body) for header, body in logged.values()]
    assert log_bytes == sum(sizes)
    assert all(not read[name] and not read[f"{name}.log"] for name in ("live", "acks", "holds", "wanted", "catalog"))
    writer.communicate("done\n")
    assert writer.returncode == 0


def read_all(env: lmdb.Environment, txn: lmdb.Transaction) -> dict[str, dict[bytes, tuple[Any, bytes]]]:
    names = ["meta", *DATABASES, *(f"{name}.log" for name in DATABASES), "objects.past", "holds.past"]
    assert {key.decode() for key, _ in txn.cursor()} == set(names)
    return {
        name: {key: value(key, raw) for key, raw in txn.cursor(db=env.open_db(name.encode(), txn=txn, create=False))}
        for name in names
    }


def checksums(path: Path, name: str) -> list[int]:
    with lmdb.open(str(path), readonly=True, max_dbs=19, map_size=8 << 30) as env, env.begin() as txn:
        stored = txn.cursor(db=env.open_db(name.encode(), txn=txn, create=False))
        return [struct.unpack(">II", raw[:8])[1] for _, raw in stored]
