"""The files that are written, by their names in the chart."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from monitoring.alerts import rules
from monitoring.boards import BOARDS, shown

FOLDER: Final = Path(__file__).parents[1] / "charts/dragoman/files"

_MADE: Final = "# MADE by `make monitoring` from monitoring/alerts.py.\n"


def files() -> Mapping[str, str]:
    """What is written."""
    alerts = yaml.safe_dump(rules(), sort_keys=False, width=120)
    return {"alerts.yaml": _MADE + alerts} | {
        f"boards/{board.file}": json.dumps(shown(board), indent=1) + "\n" for board in BOARDS
    }
