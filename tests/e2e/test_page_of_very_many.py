"""The page of 10,000 Mappings, in a real browser: what a view has, and costs there, depends on what is seen of them.

Times depend on the machine, and are no test: the decision record has them. What a browser has to hold is one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, CDPSession, Page, expect

from diagnostics.ui.views import VIEWS
from tests.conftest import RequiresProgram
from tests.support.browser import PATIENCE, PROGRAM, chromium, page_of
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

MAPPINGS = 10_000
HOSTS = 200
MIB = 1 << 20
SMALL = ("--renderer-process-limit=1",)

MOST_BYTES = 150_000
MOST_NODES = 6_000
MOST_HEAP = 10 * MIB
MOST_MEMORY = 60 * MIB
"""Of what the view adds to a browser whose tab is empty."""


@pytest.fixture(scope="module")
def crowded(red: HttpUpstream) -> Iterator[Gateway]:
    with Gateway(patience=300) as gateway:
        texts = "".join(host(f"h{number}", f"h{number}.test") for number in range(HOSTS))
        texts += "".join(
            mapping(
                f"m{number}", f"h{number % HOSTS}.test", red.service, f"/m{number}/", namespace_=f"team-{number % 50}"
            )
            for number in range(MAPPINGS)
        )
        gateway.apply("many", texts)
        gateway.wait_served("h0.test", "/m0/")
        yield gateway


@pytest.fixture(scope="module")
def browser(requires_program: RequiresProgram) -> Iterator[Browser]:
    requires_program(PROGRAM)
    with chromium(*SMALL) as opened:
        yield opened


def metrics(session: CDPSession) -> dict[str, float]:
    session.send("HeapProfiler.collectGarbage")
    return {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}


def memory(browser: Browser) -> int:
    """Bytes of the largest process that draws pages; what it shares with others counts in part."""
    told = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_pss(each["id"]) for each in told if each["type"] == "renderer")


def _pss(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def path_of(page: Page, gateway: Gateway, name: str) -> str:
    """An address of a view that shows something."""
    base = page_of(gateway)
    match name:
        case "routes":
            page.goto(f"{base}hosts?find=h7.test")
            return str(page.get_by_role("link", name=re.compile("^5[0-9] routes$")).first.evaluate("link => link.href"))
        case "cluster":
            page.goto(f"{base}clusters")
            return str(page.locator("tbody a").first.evaluate("link => link.href"))
        case "object":
            return f"{base}object?key=getambassador.io/Mapping/team-7/m7"
        case "changes":
            return f"{base}changes?since=all"
    return f"{base}{name}"


@pytest.mark.parametrize("name", [view.name for view in VIEWS])
def test_a_view_is_small_whatever_there_is(browser: Browser, crowded: Gateway, name: str) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto("about:blank")
    empty = memory(browser)
    answer = page.goto(path_of(page, crowded, name))
    assert answer is not None
    expect(page.get_by_role("heading", level=1)).to_be_attached()
    assert len(answer.body()) < MOST_BYTES
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    found = metrics(session)
    assert found["Nodes"] < MOST_NODES
    assert found["JSHeapUsedSize"] < MOST_HEAP
    assert memory(browser) - empty < MOST_MEMORY
    context.close()
