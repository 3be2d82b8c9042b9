"""Files of the pod that objects of a real API server name: served, followed, and told in their statuses."""

from pathlib import Path

import pytest

from tests.e2e.test_named_files import files_of, mounted
from tests.e2e.test_tls import serial
from tests.support.apiserver import ApiServer
from tests.support.certificates import authority, trusting
from tests.support.cluster_gateway import ClusterGateway, install_crds
from tests.support.envoy import wait_until
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system, pytest.mark.kubernetes]


def test_files_are_followed_beside_objects_of_the_cluster(
    apiserver: ApiServer, red: HttpUpstream, tmp_path: Path
) -> None:
    name, first, second = "mounted.test", authority().sign("mounted.test"), authority().sign("mounted.test")
    page, certificates = tmp_path / "pages" / "404.txt", tmp_path / "certificates"
    page.parent.mkdir()
    certificates.mkdir()
    mounted(certificates, first, "1")
    install_crds(apiserver)
    with ClusterGateway(apiserver, environ={"AMBASSADOR_CONFIG_BASE_DIR": str(tmp_path)}) as gateway:
        entry = {"on_status_code": 404, "body": {"text_format_source": {"filename": str(page)}}}
        mapping = {"hostname": name, "prefix": "/", "service": red.service, "error_response_overrides": [entry]}
        gateway.put("TLSContext", "mounted", files_of(certificates))
        gateway.put("Host", "mounted", {"hostname": name, "tlsContext": {"name": "mounted"}})
        gateway.put("Mapping", "mounted", mapping)
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert serial(gateway, name) == first.serial

        def told(kind: str) -> str:
            return str(apiserver.get(gateway.path(kind, "mounted")).get("status"))

        wait_until(
            lambda: f"names the file {page}, which does not exist" in told("Mapping"), what="the Mapping's status"
        )
        page.write_text("a page")
        wait_until(lambda: "does not exist" not in told("Mapping"), what="the Mapping's status mended")
        red.status = 404
        wait_until(lambda: gateway.request(name, tls=True, context=trusting(authority())).text == "a page")
        mounted(certificates, second, "2")
        wait_until(lambda: serial(gateway, name) == second.serial, what="the new certificate")
        (certificates / "tls.key").unlink()
        said = f"{certificates}/tls.key does not exist; what was read before stays in use"
        wait_until(lambda: said in told("TLSContext"), what="the TLSContext's status")
        assert serial(gateway, name) == second.serial
