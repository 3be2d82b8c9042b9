"""Objects of getambassador.io/v1 and v2 in a folder are served as they were meant: asked of a real Envoy."""

import ssl

import pytest

from tests.e2e.test_tls import serial
from tests.support.certificates import authority, trusting
from tests.support.gateway import Gateway
from tests.support.objects import tls_secret
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]

WORLD = """
apiVersion: getambassador.io/v2
kind: Host
metadata: {name: older}
spec:
  ambassador_id: default
  hostname: older.test
  selector: {matchLabels: {of: older}}
  tlsSecret: {name: older}
  tlsContext: {name: older}
  requestPolicy: {insecure: {action: Route}}
---
apiVersion: getambassador.io/v1
kind: TLSContext
metadata: {name: older}
spec: {ambassador_id: [default], hosts: [older.test], secret: older, min_tls_version: v1.3}
---
apiVersion: getambassador.io/v1
kind: Mapping
metadata: {name: older-v1, labels: {of: older}}
spec:
  prefix: /v1/
  service: %(service)s
  headers: {x-wanted: true}
  add_request_headers: {x-added: short}
  add_response_headers: {x-told: {value: full, append: false}}
  remove_request_headers: x-secret
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: older-v2, labels: {of: older}}
spec: {ambassador_id: default, host: older.test, prefix: /v2/, service: %(service)s, query_parameters: {q: true}}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: older-pattern, labels: {of: older}}
spec: {host: "older[.]test", host_regex: true, prefix: /pattern/, service: %(service)s}
---
apiVersion: getambassador.io/v2
kind: Mapping
metadata: {name: older-wrong, labels: {of: older}}
spec: {host: "a*b", prefix: /wrong/, service: %(service)s}
---
"""


def test_v1_and_v2_are_served_from_a_folder(gateway: Gateway, red: HttpUpstream) -> None:
    name, pair, tls = "older.test", authority().sign("older.test"), trusting(authority())
    text = tls_secret("older", pair.certificate, pair.key) + WORLD % {"service": red.service}
    with gateway.applied("older", text):
        wanted = {"x-wanted": "anything", "x-secret": "s"}
        answer = gateway.wait_served(name, "/v1/", headers=wanted, tls=True, context=tls)
        assert answer.headers["x-told"] == "full"
        seen = answer.json()["headers"]
        assert seen["x-added"] == "short"
        assert "x-secret" not in seen
        assert gateway.request(name, "/v1/", tls=True, context=tls).status_code == 404  # without the header
        assert gateway.wait_served(name, "/v2/?q=", tls=True, context=tls).status_code == 200
        assert gateway.request(name, "/v2/", tls=True, context=tls).status_code == 404
        assert gateway.wait_served(name, "/pattern/", tls=True, context=tls).status_code == 200
        assert serial(gateway, name) == pair.serial
        old = trusting(authority())
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        assert serial(gateway, name, context=old) is None
        gateway.wait_logged("older-wrong", "field=spec.host")
