"""Frozen dataclasses whose making costs what it must, for the values of which each Mapping makes a dozen.

A frozen dataclass sets each of its fields by a call of `object.__setattr__`, where a plain one assigns. That these are
never changed is held by mypy, which reads the decorator as `dataclasses.dataclass`, so that `frozen=True` means to
it what it does anywhere. While the program runs they are plain dataclasses with slots, with the same `==` and `hash()`.

A dataclass compiles seven methods from text for each class, and of the translator's five hundred classes most are never
compared, hashed or shown: so these methods are made once, and take what they compare from the class.
"""

from typing import TYPE_CHECKING

__all__ = ["dataclass", "sparse"]

if TYPE_CHECKING:
    from dataclasses import dataclass
    from dataclasses import dataclass as sparse
else:
    from dataclasses import MISSING, fields
    from dataclasses import dataclass as _plain
    from operator import attrgetter
    from reprlib import recursive_repr

    def dataclass(*, frozen, **options):
        """`dataclasses.dataclass` for values that mypy alone keeps frozen; anything else is not for this one."""
        if not frozen:
            raise TypeError("what may change is a dataclass of the standard library")

        def made_frozen(cls):
            own = cls.__dict__
            made = _plain(repr=False, eq=False, **options)(cls)
            if "__eq__" not in own:
                made.__eq__ = _equality(_getter(each.name for each in fields(made) if each.compare))
            if "__hash__" not in own:
                hashed = (each for each in fields(made) if (each.compare if each.hash is None else each.hash))
                made.__hash__ = _hashing(_getter(each.name for each in hashed))
            if "__repr__" not in own:
                made.__repr__ = _repr
            return made

        return made_frozen

    def _getter(names):
        named = tuple(names)
        return attrgetter(*named) if named else staticmethod(_nothing)

    def _nothing(_):
        return ()

    def _equality(compared):
        def __eq__(self, other):  # noqa: N807 -- it becomes a method
            return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

        return __eq__

    def _hashing(hashed):
        def __hash__(self):  # noqa: N807
            return hash(hashed(self))

        return __hash__

    @recursive_repr()
    def _repr(self):
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.repr)
        return f"{self.__class__.__qualname__}({shown})"

    def sparse(*, kw_only, **options):
        """The same for a class of very many fields, most of which most values leave at their defaults.

        A value keeps what it says beside the defaults, which are the class's. So there are no slots, and those are
        equal that keep the same.
        """
        if not kw_only:
            raise TypeError("who makes one names its fields")

        def made_sparse(cls):
            made = dataclass(init=False, kw_only=True, **options)(cls)
            if any(field.default_factory is not MISSING for field in fields(made)):
                raise TypeError(f"{cls.__name__} makes a default anew for each value")
            defaults = {field.name: field.default for field in fields(made)}
            required = {name for name, default in defaults.items() if default is MISSING}

            def __init__(self, **given):  # noqa: N807 -- it becomes a method
                if not required <= given.keys() <= defaults.keys():
                    wrong = (required - given.keys()) | (given.keys() - defaults.keys())
                    raise TypeError(f"{cls.__name__} is made without a field or with one too many: {sorted(wrong)}")
                for name, value in given.items():
                    if value != defaults[name]:
                        setattr(self, name, value)

            def __eq__(self, other):  # noqa: N807
                return self.__dict__ == other.__dict__ if other.__class__ is made else NotImplemented

            made.__init__, made.__eq__ = __init__, __eq__
            return made

        return made_sparse
