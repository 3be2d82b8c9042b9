"""Where a person wrote what a problem is about: paths of the current version in the words of an older object."""

import re
from typing import Any

from conversion.kinds import PARTS

_PATH = re.compile(r"spec\.(?P<field>\w+)(?P<rest>.*)", re.DOTALL)


def written_path(kind: str, spec: Any, path: str) -> str:
    """A path in the current version as a path in the older spec that was converted; itself when it is there too."""
    found = _PATH.fullmatch(path)
    if found is None or not isinstance(spec, dict) or found["field"] in spec:
        return path
    for part in PARTS.get(kind, ()):
        if found["field"] in part.fields:
            written = next((name for name in part.fields if name in spec), found["field"])
            return f"spec.{written}{found['rest']}"
    return path
