"""A real Chromium, and tabs of it that tell what it complains of, and whom it asks."""

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from tests.support.gateway import Gateway

PROGRAM = "chromium"
PATIENCE = 60_000
"""Milliseconds that the browser waits for what is to come."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]


@contextlib.contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """The browser of this machine, for a block."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=shutil.which(PROGRAM), args=[*FLAGS, *more])
        try:
            yield opened
        finally:
            opened.close()


def page_of(gateway: Gateway) -> str:
    """The address of a gateway's page."""
    return f"http://127.0.0.1:{gateway.diagnostics_port}/ambassador/v0/diag/"


class Visit:
    """A tab, and what the browser complained of."""

    def __init__(self, base: str, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._base = base
        self.asked: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", self._failed)
        page.on("request", lambda request: self.asked.append(request.url))
        page.set_default_timeout(PATIENCE)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _failed(self, error: Error) -> None:
        self.complaints.append(str(error))

    def go(self, path: str) -> Page:
        self.page.goto(self._base + path)
        return self.page

    def came_from_here(self) -> bool:
        return all(url.startswith((self._base, "data:")) for url in self.asked)
