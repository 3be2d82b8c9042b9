"""Which parts are told of, and as what."""

import os
import time
from pathlib import Path

from diagnostics.parts import SILENT, parts
from process.settings import Settings
from process.vitals import Vitals, write


def states(folder: Path, vitals: Vitals, beats: dict[str, float]) -> dict[str, str]:
    settings = Settings(config_dir=folder, run_dir=folder)
    settings.beats_dir.mkdir(parents=True, exist_ok=True)
    now = time.time()
    for name, ago in beats.items():
        (settings.beats_dir / name).touch()
        os.utime(settings.beats_dir / name, (now - ago, now - ago))
    write(settings.vitals_file, vitals)
    return {part.name: part.said(now)["state"] for part in parts(settings)}


def test_a_part_without_a_pulse_is_told_of_when_it_hangs_or_was_replaced(tmp_path: Path) -> None:
    beats = {"watcher": 1.0, "translator": SILENT + 1}
    counted = dict.fromkeys(("envoy", "supervisord", "watcher"), 0)
    assert states(tmp_path, Vitals(replaced=counted), beats) == {"watcher": "well", "translator": "silent"}
    replaced = states(tmp_path, Vitals(replaced=counted | {"envoy": 1}), beats)
    assert replaced == {"watcher": "well", "translator": "silent", "envoy": "well"}
    hanging = states(tmp_path, Vitals({"envoy": "its main thread does nothing"}, counted), beats)
    assert hanging == {"watcher": "well", "translator": "silent", "envoy": "hangs"}
