"""Templates: whatever people wrote comes out escaped, on one line, and not longer than can be read.

Every value of a template is escaped for HTML unless it is marked as safe, and none of the templates marks one.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from process.text import printable

FOLDER: Final = Path(__file__).with_name("templates")
LONGEST: Final = 1000
"""Characters of a text of others that are shown."""

_MINUTE: Final = 60
_HOUR: Final = 60 * _MINUTE
_DAY: Final = 24 * _HOUR
_SOON: Final = 90


def environment() -> Environment:
    """The templates, with what they call."""
    made = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_fit,
        auto_reload=False,
    )
    made.filters.update(count=count, span=span, moment=moment)
    return made


def page(made: Environment, template: str, shown: Mapping[str, Any], *, whole: bool = True) -> str:
    """A page; or what changes on it while somebody looks: its block `live`."""
    return made.get_template(template).render({**shown, "layout": "base.html" if whole else "part.html"})


def _fit(value: Any) -> Any:
    """A text of others on one line, without signs that turn what follows; what is ours has none."""
    return printable(value, LONGEST) if type(value) is str else value


def count(number: float) -> str:
    """A number with its thousands."""
    return f"{number:,.0f}"


def span(seconds: float | None) -> str:
    """A time that something took, or takes, in the unit that fits."""
    if seconds is None:
        return "never"
    size = abs(seconds)
    if size < 1:
        return f"{1000 * seconds:.0f} ms"
    for most, unit, name in ((_SOON, 1, "s"), (_SOON * _MINUTE, _MINUTE, "min"), (2 * _DAY, _HOUR, "h")):
        if size < most:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds / _DAY:,.0f} days"


def moment(seconds: float | None) -> str:
    """A Unix time, as everybody reads it."""
    return "" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
