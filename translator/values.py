"""Frozen dataclasses whose making costs what it must, for the values of which each Mapping makes a dozen.

A frozen dataclass sets each of its fields by a call of `object.__setattr__`, where a plain one assigns. That these are
never changed is held by mypy, which reads the decorator as `dataclasses.dataclass`, so that `frozen=True` means to
it what it does anywhere. While the program runs they are plain dataclasses with slots, with the same `==` and `hash()`.
"""

from typing import TYPE_CHECKING

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from dataclasses import dataclass as _plain

    def dataclass(*, frozen, **options):
        """`dataclasses.dataclass` for values that mypy alone keeps frozen; anything else is not for this one."""
        if not frozen:
            raise TypeError("what may change is a dataclass of the standard library")
        return _plain(unsafe_hash=True, **options)
