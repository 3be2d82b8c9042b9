"""What a line of a watch says of the state that it is of: its version, and whether all objects were told before it."""

from typing import Any, Final

_END_OF_INITIAL: Final = "k8s.io/initial-events-end"


def version_of(document: Any) -> str:
    """The version of an object, or of a bookmark; empty: it has none."""
    version = _mapping(document, "metadata").get("resourceVersion")
    return version if isinstance(version, str) else ""


def is_newer(version: str, than: str) -> bool:
    """Whether a version comes after another one. Both are numbers; what is none cannot be compared, and counts."""
    if version.isdecimal() and than.isdecimal():
        return int(version) > int(than)
    return bool(version) or not than


def ends_the_beginning(bookmark: Any) -> bool:
    """Whether a stream that begins with all objects has told all of them."""
    return _mapping(_mapping(bookmark, "metadata"), "annotations").get(_END_OF_INITIAL) == "true"


def _mapping(document: Any, field: str) -> dict[str, Any]:
    """A field that should be a mapping, as one; empty where it is none."""
    found = document.get(field) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
