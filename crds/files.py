"""The files of `deploy/` that are made: by their path in it, their text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from crds.definitions import current, definition
from crds.kinds import SERVED
from crds.older import definitions_with_older_versions
from crds.policies import policies
from crds.text import text_of

FOLDER: Final = Path(__file__).parent.parent / "deploy"

_MADE: Final = "MADE by `make crds` from the code's own kinds (translator/*/kinds): change them there."
_ALL: Final = """- name: AMBASSADOR_SINGLE_NAMESPACE
              value: ""
"""
_ONE: Final = _ALL.replace('""', '"true"')


def files() -> Mapping[str, str]:
    """What `make crds` writes."""
    return {
        "crds.yaml": text_of(
            f"The kinds that are served, in their version v3alpha1.\n{_MADE}",
            [definition(kind, [current(kind)]) for kind in SERVED],
        ),
        "validation.yaml": text_of(
            "What the API server tells, or refuses, of objects that the schemas let pass. Nothing of ours is asked:\n"
            f"it works while Dragoman is down, and may be left out.\n{_MADE}",
            policies(),
        ),
        "single-namespace/workload.yaml": single_namespace((FOLDER / "workload.yaml").read_text()),
        "older-versions/crds.yaml": text_of(
            "The same with v1 and v2 beside v3alpha1: instead of ../crds.yaml, see docs/older-versions.md.\n" + _MADE,
            definitions_with_older_versions(),
        ),
    }


def single_namespace(workload: str) -> str:
    """The same pods, for the objects of their own namespace alone.

    Raises:
        ValueError: when the line that says so is not there to be changed.
    """
    if workload.count(_ALL) != 1:
        raise ValueError("deploy/workload.yaml says AMBASSADOR_SINGLE_NAMESPACE otherwise than is expected here")
    return f"# MADE by `make crds` from ../workload.yaml, of which one line differs.\n{workload.replace(_ALL, _ONE)}"
