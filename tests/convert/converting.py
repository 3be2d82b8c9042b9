"""Texts converted, without the command."""

import tempfile
from pathlib import Path
from typing import Any

from convert.reading import Source
from convert.report import Outcome, of_source
from diff.sources import of_read
from lint.reading import read
from process.settings import Settings
from watcher.limits import Limits

SETTINGS = Settings.from_environment({"DRAGOMAN_CONFIG_DIR": "/nowhere", "DRAGOMAN_DEFAULT_PORTS": "8080,8443"})


def converted(text: str, target: str = "gateway-api", *, prove: bool = False) -> Outcome:
    """What a folder with one file of this text becomes."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "a.yaml").write_text(text)
        found = read([Path(folder)], SETTINGS.namespace, Limits.of(SETTINGS))  # in this process, which is quicker
        source = Source(of_read(found, "a folder"), found)
        outcome = of_source(source, target, SETTINGS, prove=prove)
        outcome.json()
    return outcome


def objects(outcome: Outcome) -> dict[str, Any]:
    """The objects that are made, by kind and name."""
    found: list[dict[str, Any]] = outcome.json()["objects"]
    by_name = {f"{each['kind']} {each['metadata']['name']}": each for each in found}
    assert len(by_name) == len(found), "no two have one name"
    return by_name


def lost(outcome: Outcome) -> dict[str, str]:
    """What could not be said, by the name of the object and the field."""
    return {f"{each.object.split('/', 1)[1]} {each.path}": each.reason for each in outcome.converted.told if each.lost}
