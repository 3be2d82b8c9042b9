"""A translator that takes every command operator for good: what we know that Envoy refuses is found before it is asked.

with Gateway(environ=credulous(tmp_path)) as gateway:
    ...                                  # UNREADABLE as a header's value is refused by Envoy alone
"""

from collections.abc import Mapping
from pathlib import Path

from tests.support.part import ROOT

UNREADABLE = "%CEL(request.path ==)%"
"""An expression that only Envoy can judge: it has the parser."""

_PATCH = "from translator import operators; operators.check_operators = lambda _: None"


def credulous(folder: Path) -> Mapping[str, str]:
    """What the environment of the gateway says so that its Python begins with the patch, which lies in `folder`."""
    (folder / "sitecustomize.py").write_text(_PATCH)
    return {"PYTHONPATH": f"{ROOT}:{folder}"}
