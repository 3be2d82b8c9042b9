"""What the entrypoint itself wants to know of a folder of YAML: ports, a demo upstream, things to try.

It reads no file: it asks a process that reads as the watcher does (`watcher/glance.py`), so that both know the same
objects, and no file can keep the gateway from starting. Where that fails, it starts knowing nothing of the folder.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

DEMO_ANNOTATION = "dragoman-demo-upstream"
FALLBACK_SECRET = "fallback-self-signed-cert"  # noqa: S105 -- a name
PATIENCE = 20.0
"""Seconds that a look at the folder may take; as much as its limits allow takes about half of it."""

_ROOT = Path(__file__).resolve().parent.parent
_ADDRESS = re.compile(r"([A-Za-z0-9_.-]+|\[[0-9a-fA-F:]+\]):([0-9]{1,5})")

Document = Mapping[str, Any]


class UnseenError(Exception):
    """What lies in the folder cannot be said; the message says why."""


def documents(folder: Path, environ: Mapping[str, str]) -> list[Document]:
    """The objects of getambassador.io in a folder, and those with an annotation of ours, in order. UnseenError."""
    found: list[Document] = told_by("watcher.glance", {**environ, "DRAGOMAN_CONFIG_DIR": str(folder.absolute())})
    return found


def told_by(module: str, environ: Mapping[str, str]) -> Any:
    """The JSON that a process of ours says of the folder that its environment names. UnseenError."""
    path = environ.get("PYTHONPATH")
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module],
            env={**environ, "PYTHONPATH": f"{_ROOT}:{path}" if path else str(_ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE,
            check=True,
            cwd="/",
        )
        return orjson.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise UnseenError(f"it takes longer than {PATIENCE:g} s") from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise UnseenError(f"the look ended with {error.returncode}: {last[:400]}") from error
    except (OSError, ValueError) as error:
        raise UnseenError(str(error)) from error


def spec(document: Document) -> Mapping[str, Any]:
    """The object's `spec`; empty when it has none that is an object."""
    return _mapping(document.get("spec"))


def metadata(document: Document) -> Mapping[str, Any]:
    """The object's `metadata`; empty when it has none that is an object."""
    return _mapping(document.get("metadata"))


def of_kind(found: list[Document], kind: str, ambassador_id: str) -> list[Document]:
    """The getambassador.io objects of a kind that this `ambassador_id` reads: "default" is that of objects without."""
    return [
        document
        for document in found
        if document.get("kind") == kind
        and str(document.get("apiVersion", "")).startswith("getambassador.io/")
        and _is_read(spec(document), ambassador_id)
    ]


def demo_address(found: list[Document]) -> str | None:
    """The address that an object of the folder wants a demo upstream at, as `host:port`; None when none does."""
    return next((wanted for wanted in _demos(found) if is_address(wanted)), None)


def odd_demos(found: list[Document]) -> list[str]:
    """What is wanted as the address of a demo upstream, and is none."""
    return [wanted for wanted in _demos(found) if not is_address(wanted)]


def is_address(text: str) -> bool:
    """Whether it is of the form host:port."""
    parts = _ADDRESS.fullmatch(text)
    return parts is not None and 0 < int(parts[2]) < 65536


def _demos(found: list[Document]) -> list[str]:
    wanted = (_mapping(metadata(document).get("annotations")).get(DEMO_ANNOTATION) for document in found)
    return [text for text in wanted if isinstance(text, str) and text]


def _is_read(said: Mapping[str, Any], ambassador_id: str) -> bool:
    ids = said.get("ambassador_id")
    ids = said.get("ambassadorId") if ids is None else ids
    if ids is None:
        return ambassador_id == "default"
    return ambassador_id in (ids if isinstance(ids, list) else [ids]) or ids == ["_automatic_"]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
