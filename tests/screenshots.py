"""`python -m tests.screenshots FOLDER`: pictures of the diagnostics' page for the site, of a gateway made for them.

They are made whenever the site is, and never kept: so they show what there is. Without a browser there are none.
"""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect

from tests.support.browser import PATIENCE, PROGRAM, chromium, page_of
from tests.support.certificates import authority
from tests.support.gateway import Gateway
from tests.support.load import Load
from tests.support.objects import host, mapping, tls_secret
from tests.support.upstream import HttpUpstream

NO_BROWSER: Final = 3
"""The exit code where there is none."""

SHOP, API = "shop.example.com", "api.example.com"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
ON_A_PHONE: Final = ("overview", "changes")


@contextmanager
def shop() -> Iterator[Gateway]:
    """A gateway of two teams, whose objects changed a little while ago, with requests that come in."""
    with HttpUpstream("shop") as service, HttpUpstream("next") as other, Gateway() as gateway:
        pair = authority().sign(API)
        texts = tls_secret("api-tls", pair.certificate, pair.key) + host("shop", SHOP)
        texts += host("api", API, insecure="Redirect", tlsSecret={"name": "api-tls"})
        texts += mapping("front", SHOP, service.service) + mapping("cart", SHOP, service.service, "/cart/")
        texts += mapping("users", API, service.service, "/users/") + mapping("orders", API, other.service, "/orders/")
        with gateway.applied("shop", texts), Load(gateway.http_port, host=SHOP, rate=40):
            gateway.settle("team", mapping("search", SHOP, other.service, "/search/", namespace_="search"))
            for spec in ({"timeout_ms": 3000}, {"timeout_ms": 2000, "weight": 20}):
                gateway.settle("next", mapping("cart-next", SHOP, other.service, "/cart/", namespace_="shop", **spec))
            for wanted in (3000, "soon"):
                gateway.settle("wrong", mapping("basket", SHOP, other.service, "/basket/", timeout_ms=wanted))
            gateway.wait_served(SHOP, "/search/")
            yield gateway


def addresses(gateway: Gateway) -> dict[str, str]:
    """What there are pictures of, by name: the last part of an address."""
    return {
        "overview": "",
        "changes": "changes?kind=Mapping&since=all",
        "flow": f"flow?find={SHOP}",
        "why": f"why?method=GET&url=http://{SHOP}/cart/7&port={gateway.http_port}",
    }


def take(browser: Browser, gateway: Gateway, folder: Path) -> None:
    """Each view by day and by night on a desk, and some on a phone."""
    for name, address in addresses(gateway).items():
        for scheme in ("light", "dark"):
            _take(browser, f"{page_of(gateway)}{address}", folder / f"{name}-{scheme}.png", scheme, DESK)
        if name in ON_A_PHONE:
            _take(browser, f"{page_of(gateway)}{address}", folder / f"{name}-phone.png", "light", PHONE)


def _take(browser: Browser, address: str, path: Path, scheme: str, size: dict[str, int]) -> None:
    context = browser.new_context(viewport=size, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.goto(address)
    _settle(page)
    page.screenshot(path=path)
    context.close()


def _settle(page: Page) -> None:
    """Until all is there that comes later: that it is live, and plots with a line, which takes two numbers."""
    if page.locator("#live").get_attribute("data-topics"):
        expect(page.locator("#live-state")).to_have_text("live", timeout=PATIENCE)
    for figure in page.locator("figure[data-plot]").all():
        expect(figure.locator("canvas")).to_be_visible(timeout=PATIENCE)
    if page.locator("figure[data-plot]").count():
        expect(page.locator("figure .now").first).to_contain_text("all ", timeout=PATIENCE)
        expect(page.locator("figure .now").first).not_to_contain_text("none", timeout=PATIENCE)


def main(folder: Path) -> int:
    """Make them; the exit code."""
    if shutil.which(PROGRAM) is None:
        sys.stderr.write(f"there is no {PROGRAM}: `make test` installs it, or names it\n")
        return NO_BROWSER
    folder.mkdir(parents=True, exist_ok=True)
    with shop() as gateway, chromium() as browser:
        take(browser, gateway, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
