"""What is there for the length of a `with` block: the one place that says when it begins and that it always ends."""

from types import TracebackType
from typing import Self


class Scoped:
    """A context manager: `start` where the block begins; `close` where it ends, and when the start failed."""

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Begin; what is begun is usable when this returns."""
        raise NotImplementedError

    def close(self) -> None:
        """End whatever was begun, and leave nothing behind."""
        raise NotImplementedError
