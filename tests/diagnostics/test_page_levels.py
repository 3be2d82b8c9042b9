"""Log levels: who may change them, and what Envoy is then asked. A browser that others send here changes nothing."""

from pathlib import Path
from typing import Any

import pytest

from diagnostics.admin import Admin
from diagnostics.report import System
from diagnostics.ui import levels
from diagnostics.ui.guard import refusal
from diagnostics.ui.query import Query
from diagnostics.ui.sources import Sources
from process.settings import Settings
from tests.diagnostics.page_worlds import html, shown, viewing

HOST = "127.0.0.1:8877"
OWN = {"Host": HOST, "Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}


class Loggers(Admin):
    """An Envoy with three loggers."""

    def __init__(self) -> None:
        self.known: dict[str, str] | None = {"http": "warning", "pool": "debug", "main": "warning"}
        self.asked: list[str] = []

    async def levels(self, change: str = "") -> dict[str, str] | None:
        self.asked += [change] if change else []
        if self.known is not None and change:
            name, _, level = change.removeprefix("paths=").partition(":")
            self.known |= {name: level} if level else dict.fromkeys(self.known, change.partition("=")[2])
        return self.known


def sources(admin: Admin) -> Sources:
    following: Any = None
    return Sources(Settings(), System("1", "default", "default", 0.0), admin, following)


@pytest.mark.parametrize(
    ("remote", "changes", "says"),
    [
        ("127.0.0.1", {}, None),
        ("::1", {"Host": "[::1]:8877", "Origin": "http://[::1]:8877"}, None),
        ("127.0.0.1", {"Host": "localhost:8877", "Origin": "http://localhost:8877"}, None),
        ("10.0.0.7", {}, "inside the pod"),
        ("", {}, "inside the pod"),
        ("127.0.0.1", {"Host": "evil.test:8877", "Origin": "http://evil.test:8877"}, "own, such as"),
        ("127.0.0.1", {"Host": "127.0.0.1.evil.test", "Origin": "http://127.0.0.1.evil.test"}, "own, such as"),
        ("127.0.0.1", {"Host": "[x"}, "own, such as"),
        ("127.0.0.1", {"Origin": "http://evil.test"}, "Origin"),
        ("127.0.0.1", {"Origin": "null"}, "Origin"),
        ("127.0.0.1", {"Origin": ""}, "Origin"),
        ("127.0.0.1", {"Origin": "http://127.0.0.1:9999"}, "Origin"),
        ("127.0.0.1", {"Sec-Fetch-Site": "cross-site"}, "another site"),
        ("127.0.0.1", {"Sec-Fetch-Site": "same-site"}, "another site"),
    ],
)
def test_only_who_is_in_the_pod_and_uses_the_form_may(remote: str, changes: dict[str, str], says: str | None) -> None:
    found = refusal(remote, {**OWN, **changes})
    assert found is None if says is None else found is not None and says in found


async def test_one_logger_or_all_are_changed() -> None:
    admin = Loggers()
    assert await levels.change(sources(admin), {"level": "trace", "logger": "http"}) is None
    assert await levels.change(sources(admin), {"level": "error"}) is None
    assert admin.asked == ["paths=http:trace", "level=error"]
    assert admin.known == dict.fromkeys(("http", "pool", "main"), "error")


async def test_what_is_no_level_or_no_logger_is_told() -> None:
    admin = Loggers()
    assert "must be one of" in str(await levels.change(sources(admin), {"level": "loud"}))
    assert "none of this name" in str(await levels.change(sources(admin), {"level": "info", "logger": "x&level=off"}))
    admin.known = None
    assert await levels.change(sources(admin), {"level": "info"}) == "Envoy does not answer"
    assert admin.asked == []


def test_what_is_otherwise_comes_first_and_who_may_not_has_no_form(tmp_path: Path) -> None:
    told = {"levels": {"a": "warning", "b": "debug", "c": "warning"}, "own": "info"}
    with viewing(tmp_path) as view:
        found = shown(view, "levels", told)
        assert found["loggers"][0] == ("b", "debug")
        assert found["usual"] == "warning"
        assert '<form class="filters" method="post"' in html(view, "levels", told)
        assert not levels.shown(view, told, Query("levels", {}, is_local=False))["may_change"]
        assert "Envoy does not answer" in html(view, "levels", {"levels": None, "own": "info"})
