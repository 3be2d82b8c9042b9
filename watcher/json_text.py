"""JSON text to a JSON value. Keys that come twice, NaN and great depth are faults, which the parser would let pass."""

import json
from typing import Any, NoReturn

from snapshot import JSON
from watcher.documents import Budget, Document, Fault, line_at
from watcher.limits import MAX_DEPTH
from watcher.scalars import number


def read_json(text: bytes, budget: Budget) -> Document | Fault:
    """The one document of a JSON text; what it takes is taken from the budget."""
    try:
        value = json.loads(
            text.decode("utf-8-sig"), object_pairs_hook=_object, parse_float=number, parse_constant=_no_constant
        )
    except json.JSONDecodeError as error:
        return Fault(f"it is not JSON: {error.msg}", error.lineno - 1, column=error.colno - 1)
    except UnicodeDecodeError as error:
        return Fault(f"it is not UTF-8: {error.reason} at byte {error.start}", line_at(text, error.start))
    except RecursionError:
        return Fault("it is nested too deeply", 0)
    except ValueError as error:
        return Fault(str(error), 0)
    values, levels = _extent_of(value)
    budget.values -= values
    if levels > MAX_DEPTH:
        return Fault(f"it is nested more than {MAX_DEPTH} deep", 0, "Excess")
    return Fault(budget.excess, 0, "Excess") if budget.values < 0 else Document(value, 0, values)


def _extent_of(value: JSON) -> tuple[int, int]:
    """How many values it has, keys among them as in YAML, and how many collections inside each other."""
    values, levels = 1, 0
    here = [value]
    while here := [item for item in here if isinstance(item, dict | list)]:
        values += sum(2 * len(item) if isinstance(item, dict) else len(item) for item in here)
        levels += 1
        here = [inner for item in here for inner in (item.values() if isinstance(item, dict) else item)]
    return values, levels


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} occurs twice in one mapping")
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is a number that JSON does not have")
