"""Who may see the page: the Module may keep it from whoever is not in the pod."""

from pathlib import Path

import orjson
import pytest

from diagnostics.access import is_for_locals, is_local
from diagnostics.view import View
from snapshot import Record, Snapshot


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.7", False),
        ("::ffff:10.0.0.7", False),
        ("fe80::1%eth0", False),
        ("", False),
    ],
)
def test_who_is_local(address: str, local: bool) -> None:
    assert is_local(address) is local


@pytest.mark.parametrize(
    ("modules", "shut"),
    [
        ({}, False),
        ({"ours/ambassador": {}}, False),
        ({"ours/ambassador": {"diagnostics": {"allow_non_local": True}}}, False),
        ({"ours/ambassador": {"diagnostics": {"allow_non_local": False}}}, True),
        ({"ours/ambassador": {"diagnostics": "no"}}, False),
        ({"ours/another": {"diagnostics": {"allow_non_local": False}}}, False),
        ({"a/ambassador": {"diagnostics": {"allow_non_local": False}}, "ours/ambassador": {}}, False),
        ({"b/ambassador": {}, "a/ambassador": {"diagnostics": {"allow_non_local": False}}}, True),
    ],
)
def test_what_the_module_says(tmp_path: Path, modules: dict[str, object], shut: bool) -> None:
    with Snapshot.open(tmp_path / "snapshot") as snapshot:
        objects = {
            f"getambassador.io/Module/{name}": Record("1", orjson.dumps({"spec": {"config": config}}))
            for name, config in modules.items()
        }
        snapshot.writer("objects").commit({"core/Service/default/a": Record("1", b"{}"), **objects})
        view = View(snapshot, tmp_path / "snapshot")
        view.catch_up()
        assert is_for_locals(view, "ours") is shut
