"""The page in a real browser, on a running gateway: live, by keyboard, on a phone, and never a script of others.

The screenshots are in the test's folder (`pytest --basetemp` says where); people look at them when the page changes.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from diagnostics.ui.views import VIEWS
from tests.conftest import RequiresProgram
from tests.support.browser import PATIENCE, PROGRAM, Visit, chromium, page_of
from tests.support.certificates import authority
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

NAME = "page.test"
SECURE = "secure.page.test"
EVIL = "<script>window.evil = 1</script><img src=x onerror='window.evil = 2'>"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.fixture(scope="module")
def served(gateway: Gateway, red: HttpUpstream) -> Iterator[Gateway]:
    """Objects of two teams, one of them in TLS, one broken, one by somebody who means harm."""
    pair = authority().sign(SECURE)
    texts = tls_secret("page-tls", pair.certificate, pair.key) + host("page", NAME)
    texts += host("page-secure", SECURE, insecure="Redirect", tlsSecret={"name": "page-tls"})
    texts += mapping("page-cart", NAME, red.service, "/cart/") + mapping("page-all", NAME, red.service)
    texts += mapping("page-secure", SECURE, red.service) + mapping(
        "page-red", NAME, red.service, "/red/", namespace_="red"
    )
    texts += mapping("page-evil", NAME, red.service, f"/evil/{EVIL}", timeout_ms=EVIL, labels_={"team": EVIL})
    with gateway.applied("page", texts):
        gateway.wait_served(NAME, "/cart/")
        yield gateway


@pytest.fixture(scope="module")
def browser(requires_program: RequiresProgram) -> Iterator[Browser]:
    requires_program(PROGRAM)
    with chromium() as opened:
        yield opened


@pytest.fixture
def visit(browser: Browser, served: Gateway) -> Iterator[Callable[..., Visit]]:
    contexts = []

    def visit(**how: object) -> Visit:
        context = browser.new_context(**how)  # type: ignore[arg-type]
        contexts.append(context)
        return Visit(page_of(served), context.new_page())

    yield visit
    for context in contexts:
        context.close()


def paths(gateway: Gateway) -> dict[str, str]:
    """An address of each view that shows something."""
    told = {page.name: page.name for page in VIEWS}
    return told | {
        "changes": "changes?since=all",
        "cluster": "clusters",
        "object": "object?key=getambassador.io/Mapping/default/page-evil",
        "routes": "hosts",
        "why": f"why?method=GET&url=http://{NAME}/cart/7&port={gateway.http_port}&headers=x-a:%201",
    }


def to_routes(page: Page) -> None:
    """From the Hosts to the routes of one of them."""
    page.locator(".host", has_text=SECURE).get_by_role("link", name=re.compile("^[0-9]+ routes?$")).last.click()
    page.wait_for_url("**/routes?*")


@pytest.mark.parametrize("name", [page.name for page in VIEWS])
def test_a_view_is_accessible_by_day_and_night_on_a_desk_and_on_a_phone(
    visit: Callable[..., Visit], served: Gateway, red: HttpUpstream, tmp_path: Path, name: str
) -> None:
    seen = visit()
    page = seen.go(paths(served)[name])
    if name == "routes":
        to_routes(page)
    if name == "cluster":
        page.get_by_role("link", name=f"ip/127.0.0.1:{red.port}", exact=True).click()
    for scheme, size in (("light", (1280, 900)), ("dark", (390, 844))):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": size[0], "height": size[1]})
        expect(page.get_by_role("heading", level=1)).to_be_attached()
        page.screenshot(path=tmp_path / f"{name or 'overview'}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0], "it is wider than the screen"
        found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
        assert not found, json.dumps([[each["id"], each["nodes"][0]["html"]] for each in found], indent=1)
        assert page.evaluate("window.evil") is None
        assert seen.complaints == []
        assert seen.came_from_here()


def test_what_changes_comes_by_itself(visit: Callable[..., Visit], served: Gateway, red: HttpUpstream) -> None:
    seen = visit()
    page = seen.go("objects?find=page-new")
    expect(page.locator("#live-state")).to_have_text("live", timeout=PATIENCE)
    expect(page.get_by_text("No objects")).to_be_visible()
    with served.applied("page-new", mapping("page-new", NAME, red.service, "/new/")):
        expect(page.get_by_role("link", name="default/page-new")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("No objects")).to_be_visible(timeout=PATIENCE)
    assert seen.complaints == []


def test_what_changed_comes_by_itself_with_what_is_different_and_no_secret(
    visit: Callable[..., Visit], served: Gateway, red: HttpUpstream
) -> None:
    seen = visit()
    page = seen.go("changes?find=page-different")
    expect(page.locator("#live-state")).to_have_text("live", timeout=PATIENCE)
    expect(page.get_by_text("No changes in the last hour")).to_be_visible()
    wanted = {"headers": {"x-key": "private-one"}, "timeout_ms": 4321}
    with served.applied("page-different", mapping("page-different", NAME, red.service, "/different/", **wanted)):
        expect(page.get_by_text("made")).to_be_visible(timeout=PATIENCE)
        wanted = {"headers": {"x-key": "private-two"}, "timeout_ms": 1234}
        served.apply("page-different", mapping("page-different", NAME, red.service, "/different/", **wanted))
        newest = page.locator(".changes > li").first
        expect(newest.locator(".went")).to_have_text(
            ["-    x-key: (hidden 1)", "-  timeout_ms: 4321"], timeout=PATIENCE
        )
        expect(newest.locator(".came")).to_have_text(["+    x-key: (hidden 2)", "+  timeout_ms: 1234"])
        expect(newest).to_contain_text("served after", timeout=PATIENCE)
    expect(page.get_by_text("removed")).to_be_visible(timeout=PATIENCE)
    assert "private" not in page.content()
    assert seen.complaints == []


def test_it_is_used_by_keyboard(visit: Callable[..., Visit]) -> None:
    page = visit().go("objects")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    page.keyboard.press("/")
    page.keyboard.type("page-cart")
    expect(page.locator("tbody tr")).to_have_count(1, timeout=PATIENCE)
    assert page.url.endswith("find=page-cart")
    page.get_by_role("link", name="default/page-cart").press("Enter")
    page.wait_for_url("**/object?key=*")


def test_it_works_without_scripts(visit: Callable[..., Visit]) -> None:
    page = visit(java_script_enabled=False).go("objects")
    page.get_by_label("Namespace").fill("red")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**namespace=red*")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_why_is_asked_by_a_form(visit: Callable[..., Visit], served: Gateway, red: HttpUpstream) -> None:
    page = visit().go("why")
    before = len(red.seen)
    page.get_by_label("URL").fill(f"http://{NAME}/cart/7")
    page.get_by_text("Headers, port, client").click()
    page.get_by_label("Port").fill(str(served.http_port))
    page.get_by_role("button", name="Ask Envoy").click()
    expect(page.get_by_text(f"It is sent to ip/127.0.0.1:{red.port}.")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_role("region", name="Answer")).to_contain_text("default/page-cart")
    expect(page.get_by_role("region", name="Other rules")).to_contain_text("default/page-all")
    assert len(red.seen) == before


def test_routes_of_a_host_are_found_in_their_order(visit: Callable[..., Visit]) -> None:
    page = visit().go(f"hosts?find={SECURE}")
    expect(page.get_by_text(re.compile("^in [0-9]+ days$")).first).to_be_visible()
    to_routes(page)
    expect(page.locator("tbody tr").filter(has_text="default/page-secure")).to_contain_text("prefix /")


def test_plots_show_what_comes_in(visit: Callable[..., Visit], served: Gateway, red: HttpUpstream) -> None:
    page = visit().go("clusters")
    page.get_by_role("link", name=f"ip/127.0.0.1:{red.port}", exact=True).click()
    requests = page.locator("figure").filter(has_text="Requests all")

    def asked() -> bool:
        served.wait_served(NAME, "/cart/")
        return re.search(r"all [1-9][0-9.]*/s", requests.inner_text()) is not None

    requests.wait_for()
    wait_until(asked, what="a rate of requests")
    expect(requests.locator("canvas")).to_be_visible()


def test_the_flow_is_clicked_from_listener_to_backend(
    visit: Callable[..., Visit], served: Gateway, red: HttpUpstream
) -> None:
    page = visit().go(f"flow?find={NAME}")
    page.get_by_role("link", name=f"Listener port {served.https_port}, default/https").click()
    page.get_by_role("link", name=f"Host {SECURE}, HTTPS").click()
    page.get_by_role("link", name="Route prefix /, default/page-secure").click()
    page.get_by_role("link", name=f"Backend ip/127.0.0.1:{red.port}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"ip/127.0.0.1:{red.port}")


def test_log_levels_are_changed_by_the_form(visit: Callable[..., Visit]) -> None:
    seen = visit()
    page = seen.go("levels")
    for level in ("debug", "warning"):
        page.locator("select[name=logger]").select_option("lua")
        page.locator("select[name=level]").select_option(level)
        page.get_by_role("button", name="Change").click()
        expect(page.get_by_role("listitem").filter(has_text=re.compile("^lua ")).first).to_contain_text(level)
    assert seen.complaints == []
