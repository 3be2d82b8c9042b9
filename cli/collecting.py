"""For commands that read very much once, and end: most of what they make stays, and hardly any of it is garbage."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_collections() -> Iterator[None]:
    """No collections of garbage, which for 10,000 objects cost a third of the time.

    Afterwards there are some again, but none looks at what was made here: it will end with the command, or by itself.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.enable()
