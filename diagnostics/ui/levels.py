"""Log levels: Envoy's, seen and changed while it runs. Those of our own parts are said when they start."""

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from diagnostics.view import View
from process import logs

LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical", "off")

_log = logs.get("page")


async def gather(sources: Sources, query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """Envoy's loggers."""
    return {"levels": await sources.admin.levels(), "own": sources.settings.log_level}


def shown(view: View, told: Mapping[str, Any], query: Query) -> dict[str, Any]:  # noqa: ARG001 -- as every view
    """What the template shows: first the loggers that are otherwise than most."""
    levels: dict[str, str] = told["levels"] or {}
    (usual, _), *_rest = Counter(levels.values()).most_common(1) or [("", 0)]
    ordered = sorted(levels.items(), key=lambda each: (each[1] == usual, each[0]))
    return {
        "answers": told["levels"] is not None,
        "loggers": ordered,
        "usual": usual,
        "own": told["own"],
        "choices": LEVELS,
        "may_change": query.is_local,
    }


async def change(sources: Sources, said: Mapping[str, str]) -> str | None:
    """Change the level of one logger, or of all where none is named; why not, if so."""
    level, logger = said.get("level", ""), said.get("logger", "")
    if level not in LEVELS:
        return f"level: must be one of {', '.join(LEVELS)}"
    known = await sources.admin.levels()
    if known is None:
        return "Envoy does not answer"
    if logger and logger not in known:
        return "logger: Envoy has none of this name"
    after = await sources.admin.levels(f"paths={quote(logger, safe='')}:{level}" if logger else f"level={level}")
    if after is None or any(found != level for name, found in after.items() if logger in ("", name)):
        return "Envoy did not take it"
    _log.info("Envoy's log level changed", logger=logger or "all", level=level)
    return None
