"""One replica, and the CRDs that it converts, for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.support.apiserver import ApiServer
from tests.webhook.running_webhook import Webhook, install, remove


@pytest.fixture(scope="module")
def webhook(own_apiserver: ApiServer) -> Iterator[Webhook]:
    with Webhook(own_apiserver) as webhook:
        install(own_apiserver, webhook.url)
        webhook.wait_trusted()
        yield webhook
    remove(own_apiserver)
