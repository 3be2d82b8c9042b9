"""Certificates, keys, CAs and texts in files that objects name: the gateway's own files, which others replace."""

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.test_tls import serial
from tests.support.certificates import Pair, authority, new_authority, trusting
from tests.support.envoy import wait_until
from tests.support.gateway import Gateway
from tests.support.objects import an_object, host, mapping, tls_secret
from tests.support.ports import unused_port
from tests.support.upstream import HttpUpstream

pytestmark = [pytest.mark.envoy, pytest.mark.system]


def replace(path: Path, content: bytes) -> None:
    """Put another file in the place of one, as writers do that let nobody see half of one."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(content)
    beside.rename(path)


def files_of(folder: Path) -> dict[str, str]:
    return {"cert_chain_file": str(folder / "tls.crt"), "private_key_file": str(folder / "tls.key")}


def mounted(folder: Path, pair: Pair, version: str) -> None:
    """Files as the kubelet mounts a Secret: links through `..data`, which is swapped."""
    inner = folder / f"..{version}"
    inner.mkdir()
    (inner / "tls.crt").write_bytes(pair.certificate)
    (inner / "tls.key").write_bytes(pair.key)
    swap = folder / "..data_tmp"
    swap.symlink_to(inner.name)
    swap.rename(folder / "..data")
    for name in ("tls.crt", "tls.key"):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")


def written(folder: Path, pair: Pair) -> None:
    replace(folder / "tls.crt", pair.certificate)
    replace(folder / "tls.key", pair.key)


def context(name: str, folder: Path, **spec: Any) -> str:
    """A TLSContext by files, and a Host that ends TLS by it."""
    made = an_object("TLSContext", name, {**files_of(folder), **spec})
    return made + host(name, f"{name}.test", tlsContext={"name": name})


def test_a_host_ends_tls_by_the_files_of_its_context_and_another_certificate_touches_no_connection(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    """Behaviour 36: also of files, here swapped by a link at once, as the kubelet does."""
    name, first, second = "by-files.test", authority().sign("by-files.test"), authority().sign("by-files.test")
    mounted(tmp_path, first, "1")
    with gateway.applied(name, context("by-files", tmp_path) + mapping("by-files", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert serial(gateway, name) == first.serial
        with httpx.Client(verify=trusting(authority())) as client:

            def ask() -> int:
                url = f"https://127.0.0.1:{gateway.https_port}/"
                return client.get(url, headers={"host": name}, extensions={"sni_hostname": name}).status_code

            assert ask() == 200
            mounted(tmp_path, second, "2")
            wait_until(lambda: serial(gateway, name) == second.serial, what="the new certificate")
            assert ask() == 200


def test_a_certificate_whose_key_is_late_leaves_the_one_before_in_use(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name, first, second = "late-key.test", authority().sign("late-key.test"), authority().sign("late-key.test")
    written(tmp_path, first)
    with gateway.applied(name, context("late-key", tmp_path) + mapping("late-key", name, red.service)):
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        replace(tmp_path / "tls.crt", second.certificate)
        said = "does not belong to the first certificate"
        wait_until(lambda: f"{said} of {tmp_path}/tls.crt; what was read before stays in use" in gateway.log())
        assert serial(gateway, name) == first.serial
        for part in ("translator", "watcher"):
            gateway.kill(part)
            wait_until(lambda part=part: gateway.pid_of(part), what="it back")  # type: ignore[misc]
            assert serial(gateway, name) == first.serial
        replace(tmp_path / "tls.key", second.key)
        wait_until(lambda: serial(gateway, name) == second.serial, what="the new certificate")
        (tmp_path / "tls.key").unlink()
        wait_until(lambda: f"{tmp_path}/tls.key does not exist; what was read before stays" in gateway.log())
        assert serial(gateway, name) == second.serial


def test_a_file_that_is_missing_stops_who_names_it_until_it_is_there(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name, pair = "missing.test", authority().sign("missing.test")
    with gateway.applied(name, context("missing", tmp_path) + mapping("missing", name, red.service)):
        said = f"names the file {tmp_path}/tls.crt, which cannot be used: {tmp_path}/tls.crt does not exist"
        wait_until(lambda: said in gateway.log(), what="the missing file told")
        assert serial(gateway, name) is None
        gateway.wait_served(name, status=404)
        written(tmp_path, pair)
        gateway.wait_served(name, tls=True, context=trusting(authority()))
        assert "has not been read yet" not in gateway.log()


def test_a_host_says_its_files_itself_and_checks_clients_by_one(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    name, first, second = "own-files.test", new_authority("First"), new_authority("Second")
    written(tmp_path, authority().sign(name))
    ca = tmp_path / "ca.crt"
    ca.write_bytes(first.pair.certificate)
    tls = {**files_of(tmp_path), "cacert_chain_file": str(ca), "cert_required": True}
    with gateway.applied(name, host("own-files", name, tls=tls) + mapping("own-files", name, red.service)):
        member, stranger = trusting(authority()), trusting(authority())
        member.load_cert_chain(*first.client("member").write(tmp_path, "member"))
        stranger.load_cert_chain(*second.client("stranger").write(tmp_path, "stranger"))
        gateway.wait_served(name, tls=True, context=member)
        for each in (stranger, trusting(authority())):
            with pytest.raises(httpx.TransportError):
                gateway.request(name, tls=True, context=each)
        replace(ca, second.pair.certificate)
        gateway.wait_served(name, tls=True, context=stranger)


def test_a_service_is_shown_a_certificate_of_files_and_checked_by_one(gateway: Gateway, tmp_path: Path) -> None:
    name = "to-services.test"
    ours, theirs = new_authority("Ours"), authority("Backends")
    written(tmp_path, ours.client("gateway"))
    ca = tmp_path / "ca.crt"
    ca.write_bytes(theirs.pair.certificate)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*theirs.sign("backend.test").write(tmp_path, "server"))
    server.load_verify_locations(cadata=ours.pair.certificate.decode())
    server.verify_mode = ssl.CERT_REQUIRED
    with HttpUpstream("secure", tls=server) as upstream:
        spec = {**files_of(tmp_path), "cacert_chain_file": str(ca)}
        texts = an_object("TLSContext", "to-services", spec) + host("to-services", name)
        texts += mapping("to-services", name, f"https://{upstream.service}", tls="to-services")
        with gateway.applied(name, texts):
            upstream.response_headers["connection"] = "close"
            gateway.wait_served(name)
            replace(ca, ours.pair.certificate)
            gateway.wait_served(name, status=503)


def test_a_tcp_mapping_ends_tls_by_files(gateway: Gateway, red: HttpUpstream, tmp_path: Path) -> None:
    name, pair = "tcp-files.test", authority().sign("tcp-files.test")
    written(tmp_path, pair)
    texts = an_object("TLSContext", "tcp-files", {"hosts": [name], **files_of(tmp_path)})
    spec = {"port": gateway.https_port, "host": name, "service": red.service}
    texts += an_object("TCPMapping", "tcp-files", spec)
    with gateway.applied(name, texts):
        wait_until(lambda: serial(gateway, name) == pair.serial, what="TLS ended")


@contextmanager
def odd_files(folder: Path) -> Iterator[dict[str, str]]:
    """Paths that objects may name, and what is told of each."""
    own = "is where the system, or the pod, keeps what is its own: not read"
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    (folder / "link").symlink_to("/proc/self/environ")
    (folder / "loop").symlink_to("loop")
    (folder / "empty").touch()
    (folder / "large").write_bytes(b"#" * 2_000_000)
    (folder / "words").write_bytes(b"top secret words")
    yield {
        "/proc/self/environ": own,
        "/dev/zero": own,
        "/sys/kernel/profiling": own,
        str(folder / "link"): own,
        str(folder / "pipe"): "is no file",
        str(folder / "folder"): "is no file",
        str(folder / "loop"): "cannot be read: Too many levels of symbolic links",
        str(folder / "empty"): "is empty",
        str(folder / "large"): "is larger than 1024 KiB",
        str(folder / "words"): "holds nothing in PEM",
        str(folder / "words" / "below"): "does not exist",
    }


def test_what_is_no_certificate_or_not_for_them_stops_who_names_it_and_nobody_else(
    gateway: Gateway, red: HttpUpstream, tmp_path: Path
) -> None:
    with odd_files(tmp_path) as said:
        paths = dict(enumerate(said))
        texts = "".join(an_object("TLSContext", f"odd{n}", {"cacert_chain_file": path}) for n, path in paths.items())
        texts += host("odd-files", "odd-files.test") + mapping("odd-files", "odd-files.test", red.service)
        with gateway.applied("odd-files", texts):
            gateway.wait_served("odd-files.test")
            for n in paths:
                gateway.wait_logged(f"TLSContext/default/odd{n} ", "problem ")
            lines = gateway.log().splitlines()
            for number, path in paths.items():
                (line,) = [line for line in lines if f"TLSContext/default/odd{number} " in line and "problem " in line]
                assert "field=spec.cacert_chain_file" in line
                assert f"names the file {path}, which cannot be used: {path}" in line
                assert said[path] in line
            assert "top secret words" not in gateway.log()
            assert "top secret words" not in str(gateway.diag())


@pytest.mark.parametrize(
    ("spec", "field", "said"),
    [
        ({"cert_chain_file": "/a"}, "cert_chain_file", "needs private_key_file"),
        ({"private_key_file": "/a"}, "private_key_file", "needs cert_chain_file"),
        ({"secret": "x", "cert_chain_file": "/a", "private_key_file": "/b"}, "cert_chain_file", "together with secret"),
        ({"ca_secret": "x", "cacert_chain_file": "/a"}, "cacert_chain_file", "together with ca_secret"),
        ({"cacert_chain_file": "a"}, "cacert_chain_file", "must be a whole path"),
        ({"cacert_chain_file": "/a;b"}, "cacert_chain_file", "must have no ;"),
        ({"cacert_chain_file": "/" + 200 * "a"}, "cacert_chain_file", "must have at most 200 bytes"),
    ],
)
def test_what_files_cannot_say_together_stops_the_context(
    gateway: Gateway, red: HttpUpstream, spec: dict[str, str], field: str, said: str
) -> None:
    texts = an_object("TLSContext", "torn", spec) + host("torn", "torn.test", tlsContext={"name": "torn"})
    with gateway.applied("torn", texts + mapping("torn", "torn.test", red.service)):
        key = "getambassador.io/TLSContext/default/torn"

        def told() -> list[str]:
            found = gateway.diag()["objects"].get(key, {}).get("problems", [])
            return [each["message"] for each in found if each["path"] == f"spec.{field}"]

        assert said in wait_until(told, what="the context told")[0]
        gateway.wait_served("torn.test", status=404)  # a Host that wants TLS is not served in clear text


def test_a_text_for_errors_is_in_a_file_and_followed(gateway: Gateway, red: HttpUpstream, tmp_path: Path) -> None:
    name, page = "pages.test", gateway.folder / "pages" / "404.html"
    page.parent.mkdir()
    page.write_text("<b>%RESPONSE_CODE%</b>")
    pair = authority().sign(name)
    (page.parent / "key.html").write_bytes(pair.key)
    (page.parent / "wrong.html").write_text("%NONSENSE%")
    (page.parent / "out.html").symlink_to("/etc/passwd")
    (tmp_path / "elsewhere.html").write_text("elsewhere")
    wrong = {
        410: (page.parent / "key.html", "holds a private key"),
        411: (page.parent / "wrong.html", "NONSENSE"),
        412: (page.parent / "out.html", "is in none of the folders with texts for clients"),
        413: (tmp_path / "elsewhere.html", "is in none of the folders with texts for clients"),
        414: (gateway.folder / "pages.yaml", "may hold objects"),
        415: (page.parent / "none.html", "does not exist"),
    }
    named = [(404, page), *((status, path) for status, (path, _) in wrong.items())]
    overrides = [
        {"on_status_code": status, "body": {"content_type": "text/html", "text_format_source": {"filename": str(path)}}}
        for status, path in named
    ]
    gone = f"127.0.0.1:{unused_port()}"
    texts = host("pages", name) + mapping("pages", name, red.service, error_response_overrides=overrides)
    texts += mapping("pages-gone", name, gone, "/gone/")
    with gateway.applied("pages", texts):
        gateway.wait_served(name)
        red.status = 404
        assert wait_until(lambda: gateway.request(name).text == "<b>404</b>")
        for status, (path, said) in wrong.items():
            red.status = status
            assert gateway.request(name).json()["upstream"] == "red"  # the body is the service's own
            told = f"names the file {path}, which "
            gateway.wait_logged(told, said)
        red.status = 404
        replace(page, b"<i>%RESPONSE_CODE%</i>")
        wait_until(lambda: gateway.request(name).text == "<i>404</i>", what="the new text")
        replace(page, b"%NONSENSE%")
        wait_until(lambda: f"names the file {page}, which operator" in gateway.log() or "stays in use" in gateway.log())
        assert gateway.request(name).text == "<i>404</i>"


def test_a_text_of_the_module_is_in_a_file(gateway: Gateway, red: HttpUpstream) -> None:
    page = gateway.folder / "for-all.txt"
    page.write_text("for all: %RESPONSE_CODE%")
    entry = {"on_status_code": 404, "body": {"text_format_source": {"filename": str(page)}}}
    missing = {"on_status_code": 410, "body": {"text_format_source": {"filename": f"{page}.none"}}}
    module = an_object("Module", "ambassador", {"config": {"error_response_overrides": [entry, missing]}})
    texts = host("for-all", "for-all.test") + mapping("for-all", "for-all.test", red.service, "/a/")
    with gateway.applied("for-all", module + texts):
        gateway.wait_served("for-all.test", "/a/")
        wait_until(lambda: gateway.request("for-all.test", "/none/").text == "for all: 404", what="the text")
        wait_until(lambda: f"names the file {page}.none, which does not exist" in gateway.log(), what="the other told")


def test_istios_files_are_a_secret_that_wins_over_one_of_that_name(red: HttpUpstream, tmp_path: Path) -> None:
    name, first, second, other = "mesh.test", *(authority().sign("mesh.test") for _ in range(3))
    mesh = new_authority("Mesh")
    replace(tmp_path / "cert-chain.pem", first.certificate)
    replace(tmp_path / "root-cert.pem", mesh.pair.certificate)
    texts = tls_secret("istio-certs", other.certificate, other.key)
    texts += host("mesh", name, tlsSecret={"name": "istio-certs"}) + mapping("mesh", name, red.service)
    with Gateway(environ={"AMBASSADOR_ISTIO_SECRET_DIR": str(tmp_path)}) as gateway:
        gateway.apply("mesh", texts)
        wait_until(lambda: f"{tmp_path}/key.pem does not exist" in gateway.log(), what="the missing key told")
        replace(tmp_path / "key.pem", first.key)
        wait_until(lambda: serial(gateway, name) == first.serial, what="Istio's certificate")
        replace(tmp_path / "key.pem", second.key)
        replace(tmp_path / "cert-chain.pem", second.certificate)
        wait_until(lambda: serial(gateway, name) == second.serial, what="Istio's next certificate")
        member = trusting(authority())
        member.load_cert_chain(*mesh.client("member").write(tmp_path, "member"))
        assert gateway.request(name, tls=True, context=member).status_code == 200  # its root is trusted
        stranger = trusting(authority())
        stranger.load_cert_chain(*authority().client("stranger").write(tmp_path, "stranger"))
        with pytest.raises(httpx.TransportError):
            gateway.request(name, tls=True, context=stranger)
