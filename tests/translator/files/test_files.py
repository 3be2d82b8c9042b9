"""What files that objects name become: certificates and texts, what is told, and what stays when they break."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest

from tests.golden.cases import content_of
from tests.support.certificates import Pair, authority
from tests.translator.emissary.world import World
from translator.decode import Invalid
from translator.files.names import LONGEST, Files, istio_files, path_of_file, pem_files, text_file
from translator.ir import PemFiles, SecretRef
from translator.options import Options
from translator.publication import Publication
from translator.quarantine import Hold
from translator.translation import Translation
from translator.xds.names import authority_name, certificate_name, certificates_of

PAIR = PemFiles("/tls.crt", "/tls.key")
SPEC = {"cert_chain_file": "/tls.crt", "private_key_file": "/tls.key"}
ISTIO = istio_files("/istio")
CA = authority().pair.certificate


def files_of(pair: Pair) -> dict[str, bytes]:
    return {"/tls.crt": pair.certificate, "/tls.key": pair.key}


def istio_of(pair: Pair, **more: bytes) -> dict[str, bytes]:
    found = {"/istio/cert-chain.pem": pair.certificate, "/istio/key.pem": pair.key}
    return found | {f"/istio/{name.replace('__', '-').replace('_', '.')}": text for name, text in more.items()}


class Reading:
    """A translation whose files are read."""

    def __init__(self, holds: Mapping[str, Hold] | None = None, **options: Any) -> None:
        self.translation = Translation(Options(**options), holds or {})
        self.statuses: dict[str, list[str]] = {}

    def change(self, objects: Mapping[str, bytes | None]) -> Publication:
        publication = self.translation.objects_changed(0.0, objects)
        assert publication.failures == []
        for key, status in publication.statuses.items():
            self.statuses[key] = [told.message for told in status.problems] if status else []
        return publication

    def put(self, kind: str, name: str, spec: Mapping[str, Any]) -> None:
        metadata = {"name": name, "namespace": "default"}
        body = {"apiVersion": "getambassador.io/v3alpha1", "kind": kind, "metadata": metadata, "spec": spec}
        self.change({f"getambassador.io/{kind}/default/{name}": orjson.dumps(body)})

    def read(self, files: Files, found: Mapping[str, bytes]) -> Publication:
        return self.change({files.key: content_of(found, files)})

    def said(self, kind: str, name: str = "a") -> list[str]:
        return self.statuses[f"getambassador.io/{kind}/default/{name}"]

    def secret(self, name: str) -> bytes | None:
        row = self.translation.pipeline.resource(f"secret/{name}")
        return row.body if row else None


def reading() -> Reading:
    """A Host with TLS by files."""
    made = Reading()
    bound = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    made.put("Listener", "https", {"port": 8443, "protocol": "HTTPS", **bound})
    made.put("TLSContext", "a", SPEC)
    made.put("Host", "a", {"hostname": "a.test", "tlsContext": {"name": "a"}})
    return made


def test_what_is_named_is_wanted_and_told_until_it_is_read() -> None:
    made = reading()
    assert made.translation.pipeline.files_wanted() == (pem_files(PAIR),)
    assert made.said("TLSContext") == ["names the file /tls.crt, which has not been read yet"]
    made.read(pem_files(PAIR), files_of(authority().sign("a.test")))
    assert made.said("TLSContext") == made.said("Host") == []
    made.put("TLSContext", "a", {"secret": "x"})
    assert made.translation.pipeline.files_wanted() == ()


def test_another_pair_is_another_secret_and_nothing_else() -> None:
    made = reading()
    made.read(pem_files(PAIR), files_of(authority().sign("a.test")))
    publication = made.read(pem_files(PAIR), files_of(authority().sign("a.test")))
    assert list(publication.resources) == [f"secret/{certificate_name(PAIR)}"]


def test_what_was_good_stays_until_all_is_good_again_also_for_the_next_process() -> None:
    made, first, second = reading(), authority().sign("a.test"), authority().sign("a.test")
    key, name = pem_files(PAIR).key, certificate_name(PAIR)
    made.read(pem_files(PAIR), files_of(first))
    served = made.secret(name)
    assert served is not None
    said = "/tls.key: does not belong to the first certificate of /tls.crt; what was read before stays in use"
    late = {"/tls.crt": second.certificate, "/tls.key": first.key}
    publication = made.read(pem_files(PAIR), late)
    assert publication.resources == {}
    assert made.secret(name) == served
    assert made.said("TLSContext") == [f"names the file /tls.crt, which is not used as it is now: {said}"]
    assert made.said("Host") == []
    assert made.statuses[key] == [said]
    hold = publication.holds[key]
    assert hold is not None

    elsewhere = Reading(holds={key: hold})
    elsewhere.put("TLSContext", "a", SPEC)
    elsewhere.read(pem_files(PAIR), {"/tls.crt": b"broken otherwise since", "/tls.key": first.key})
    assert "; what was read before stays in use" in elsewhere.said("TLSContext")[0]

    again = Reading(holds={key: hold})
    again.put("TLSContext", "a", SPEC)
    again.read(pem_files(PAIR), late)
    assert again.said("TLSContext") == [f"names the file /tls.crt, which is not used as it is now: {said}"]

    publication = again.read(pem_files(PAIR), {"/tls.crt": second.certificate})
    assert "/tls.key does not exist; what was read before stays in use" in again.said("TLSContext")[0]
    publication = again.read(pem_files(PAIR), files_of(second))
    assert publication.holds == {key: None}
    assert again.said("TLSContext") == []


def test_what_was_never_good_stops_who_names_it() -> None:
    made = reading()
    made.read(pem_files(PAIR), {"/tls.crt": b"x", "/tls.key": b"y"})
    assert made.said("TLSContext")[0].startswith("names the file /tls.crt, which cannot be used: /tls.crt: holds no")
    assert made.said("Host")[0].startswith("needs the TLSContext default/a, which its own problems stop: spec.cert_")
    assert made.secret(certificate_name(PAIR)) is None


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"tls": SPEC, "tlsSecret": {"name": "tls"}}, "spec.tls.cert_chain_file"),
        ({"tlsContext": {"name": "by-files"}, "tlsSecret": {"name": "tls"}}, "spec.tlsSecret"),
        ({"tlsContext": {"name": "stopped"}}, "spec.tlsContext"),
        ({"tls": {"cert_chain_file": "/tls.crt"}}, "spec.tls.cert_chain_file"),
    ],
)
def test_a_host_has_one_certificate_and_never_clear_text_in_its_place(spec: dict[str, Any], problem: str) -> None:
    world = World()
    world.secret("tls")
    world.put("TLSContext", "by-files", SPEC)
    world.put("TLSContext", "stopped", {"cert_chain_file": "/tls.crt"})
    key = pem_files(PAIR).key
    world._change(key, content_of(files_of(authority().sign("a.test")), pem_files(PAIR)))
    assert [each.path for each in world.told(world.host("a", "a.test", **spec)) if each.stops] == [problem]


def test_istios_files_win_over_a_secret_and_one_counts_where_there_are_none() -> None:
    made, mesh, own = Reading(istio_secret_dir="/istio"), authority().sign("mesh.test"), authority().sign("own.test")
    assert made.translation.pipeline.files_wanted() == (ISTIO,)
    data = {"tls.crt": own.certificate.decode(), "tls.key": own.key.decode()}
    metadata = {"name": "istio-certs", "namespace": "default"}
    made.change({"core/Secret/default/istio-certs": orjson.dumps({"metadata": metadata, "stringData": data})})
    bound = {"securityModel": "XFP", "hostBinding": {"namespace": {"from": "ALL"}}}
    made.put("Listener", "https", {"port": 8443, "protocol": "HTTPS", **bound})
    made.put("Host", "a", {"hostname": "a.test", "tlsSecret": {"name": "istio-certs"}})
    made.read(ISTIO, {})
    assert made.statuses[ISTIO.key] == ["/istio/cert-chain.pem does not exist; /istio/key.pem does not exist"]
    assert own.certificate in (made.secret("default/istio-certs") or b"")
    made.read(ISTIO, istio_of(mesh, root__cert_pem=CA))
    assert mesh.certificate in (made.secret("default/istio-certs") or b"")
    assert CA in (made.secret("default/istio-certs/ca") or b""), "its root is trusted without being asked"
    assert made.statuses[ISTIO.key] == []
    assert made.translation.pipeline.provenance.of("secret/default/istio-certs") == (ISTIO.key,)


def test_a_text_that_breaks_stays_as_it_was_and_is_told() -> None:
    made, files = Reading(), text_file("/page")
    body = {"text_format_source": {"filename": "/page"}}
    made.put(
        "Mapping",
        "a",
        {"prefix": "/", "service": "x", "error_response_overrides": [{"on_status_code": 404, "body": body}]},
    )
    made.read(files, {"/page": b"\xff"})
    assert "names the file /page, which holds no text in UTF-8; the entry for 404 is left out" in made.said("Mapping")
    made.read(files, {"/page": b"%RESPONSE_CODE%"})
    assert not [said for said in made.said("Mapping") if "/page" in said]
    made.read(files, {"/page": b"%NONSENSE%"})
    (said,) = [said for said in made.said("Mapping") if "/page" in said]
    assert said.endswith("what was read before stays in use")


@pytest.mark.parametrize("text", ["", "a", "/a;b", "/a\n", "/" + LONGEST * "a", "/" + LONGEST * "\u00e4"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(Invalid):
        path_of_file(text)


def test_names_lead_back_to_files() -> None:
    ca, revoking = PemFiles("/ca"), SecretRef("ns", "revoked")
    assert certificates_of(certificate_name(PAIR)) == [PAIR]
    assert certificates_of(authority_name(ca)) == [ca]
    assert certificates_of(authority_name(ca, revoking)) == [ca, revoking]
