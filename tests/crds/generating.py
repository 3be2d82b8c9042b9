"""Specs to try, generated from the very shapes that objects are read into: good ones, wrong ones, strange ones."""

from typing import Any

from hypothesis import strategies as st

from translator.decoding.shapes import AnyOf, Choice, ListOf, MapOf, ObjectOf, Ruled, Scalar, Shape, fields_of, kinds_of

TEXTS = [
    "", "a", "/a/", "*", "*.example.com", "a.example.com", "a:80", "http://a.b:8080", "https://[::1]:1", "GET", "G T",
    "/a?b", "/a b", "(", "v1.2", "1.5s", "3", "ALL", "é", "x" * 254, "\n", ":authority", "Host",
]  # fmt: skip
NUMBERS = [-1, 0, 1, 80, 100, 101, 301, 65_535, 65_536, 2**31, 2**32, 2**53]
NAMES = ["a", "x-b", "Host", ":authority", "", "a b"]
JSON = st.recursive(
    st.booleans() | st.sampled_from(NUMBERS) | st.sampled_from(TEXTS),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
    max_leaves=3,
)


def specs(cls: type) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects that have something to do with the class."""
    fields = fields_of(cls)
    optional: dict[str, st.SearchStrategy[Any]] = {"nobody-knows-it": JSON}
    for field in fields:
        values = _values(field.shape)
        # The API server takes no null where there is a choice; everywhere else it is absent.
        usual = values if _is_choice(field.shape) else st.one_of(values, values, values, st.none())
        optional |= dict.fromkeys((field.name, *field.rule.aliases), usual)
    required = {field.name: optional.pop(field.name) for field in fields if field.required}
    return st.fixed_dictionaries(required, optional=optional)


def _is_choice(shape: Shape) -> bool:
    return isinstance(shape, Choice) or (isinstance(shape, Ruled) and _is_choice(shape.inner))


def _values(shape: Shape) -> st.SearchStrategy[Any]:
    match shape:
        case Scalar("string"):
            good: st.SearchStrategy[Any] = st.sampled_from(TEXTS)
        case Scalar("boolean"):
            good = st.booleans()
        case Scalar():
            good = st.sampled_from(NUMBERS)
        case Choice(options):
            good = st.sampled_from(options)
        case ListOf(item):
            good = st.lists(_values(item), max_size=3)
        case MapOf(_, item):
            good = st.dictionaries(st.sampled_from(NAMES), _values(item) | st.none(), max_size=2)
        case ObjectOf(cls):
            good = specs(cls)
        case AnyOf(members):
            good = st.one_of([_values(member) for member in members])
        case Ruled(rule, inner):
            good = _values(inner) if not rule.convert or kinds_of(inner) == ("mapping",) else _values(inner) | JSON
        case _:
            good = JSON
    return st.integers(0, 15).flatmap(lambda chance: good if chance else JSON)
