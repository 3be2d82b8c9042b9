"""All objects of a kind while they come, by a stream or page by page: what was said of them so far."""

from typing import Any

from watcher.kinds import Kind
from watcher.trimming import Seen, key_of, seen
from watcher.watch_events import Listed


class Collection:
    """What came so far. `token`: where the next page begins; empty: there is none, or none was read."""

    def __init__(self, kind: Kind) -> None:
        self.token = ""
        self._kind = kind
        self._objects: dict[str, Seen] = {}
        self._problems: dict[str, str] = {}

    def add(self, document: Any) -> None:
        """An object. What cannot be read of it becomes a problem, and the others stay."""
        try:
            found = seen(self._kind, document)
        except ValueError as error:
            key = key_of(self._kind, document)
            self._objects.pop(key, None)
            self._problems[key] = str(error)
            return
        self._problems.pop(found.key, None)
        self._objects[found.key] = found

    def remove(self, document: Any) -> None:
        """An object is gone before all were said."""
        key = key_of(self._kind, document)
        self._objects.pop(key, None)
        self._problems.pop(key, None)

    def whole(self) -> Listed:
        """They are all."""
        return Listed(self._objects, self._problems)
