"""What the entrypoint reads of a folder, and the certificate that it makes."""

import base64
import ipaddress
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entrypoint import folder
from entrypoint.certificate import write_fallback
from entrypoint.folder import UnseenError, demo_address, documents, odd_demos, of_kind

MAPPING = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: NAME}\nspec: {}\n"


def seen(folder: Path) -> list[Any]:
    return [*documents(folder, os.environ)]


def test_documents_are_read_wherever_they_are_but_hidden_and_each_once(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a.yaml").write_text(MAPPING + "---\n- no object\n---\n" + MAPPING.replace("NAME", "second"))
    (tmp_path / "b" / "c" / "d.yml").write_text(MAPPING.replace("NAME", "third"))
    (tmp_path / "e.txt").write_text(MAPPING)
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "f.yaml").write_text(MAPPING.replace("NAME", "fourth"))
    (tmp_path / "f.yaml").symlink_to(tmp_path / "..data" / "f.yaml")
    (tmp_path / "z.yaml").symlink_to(tmp_path / "..data" / "f.yaml")
    names = [found["metadata"]["name"] for found in seen(tmp_path)]
    assert names == ["NAME", "second", "third", "fourth"]


def test_what_cannot_be_read_is_left_to_the_watcher(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.yaml").write_text("metadata: {name: x}\nspec: []\nkind: Mapping\napiVersion: getambassador.io/v2\n")
    found = seen(tmp_path)
    assert len(found) == 1
    assert demo_address(found) is None
    assert of_kind(found, "Mapping", "default") == found
    assert of_kind(found, "Mapping", "other") == []


def test_of_objects_of_others_only_the_metadata_is_asked_for_and_if_the_annotation_is_ours(
    tmp_path: Path,
) -> None:
    wanted = "kind: Secret\napiVersion: v1\ndata: {x: eA==}\nmetadata: {name: NAME, annotations: {ANNOTATION: a:80}}\n"
    (tmp_path / "a.yaml").write_text(wanted.replace("ANNOTATION", "dragoman-demo-upstream"))
    (tmp_path / "b.yaml").write_text(wanted.replace("ANNOTATION", "other").replace("NAME", "b"))
    (found,) = seen(tmp_path)
    assert set(found) == {"apiVersion", "kind", "metadata"}
    assert demo_address([found]) == "a:80"


def test_an_address_that_is_none_is_told_and_the_next_one_counts(tmp_path: Path) -> None:
    odd = ["x", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:\uff18\uff10", "a b:80", ":80"]
    for number, address in enumerate([*odd, "[::1]:80", "localhost:81"]):
        annotation = f'{{name: m{number}, annotations: {{dragoman-demo-upstream: "{address}"}}}}'
        (tmp_path / f"{number}.yaml").write_text(MAPPING.replace("{name: NAME}", annotation))
    found = seen(tmp_path)
    assert odd_demos(found) == odd
    assert demo_address(found) == "[::1]:80"


def test_a_look_that_fails_or_takes_too_long_is_no_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnseenError, match="AMBASSADOR_HEALTHCHECK_BIND_PORT"):
        documents(tmp_path, {**os.environ, "AMBASSADOR_HEALTHCHECK_BIND_PORT": "none"})
    monkeypatch.setattr(folder, "PATIENCE", 0.001)
    with pytest.raises(UnseenError, match="longer than"):
        documents(tmp_path, os.environ)


def test_the_certificate_is_for_this_machine_and_its_key_private(tmp_path: Path) -> None:
    file = write_fallback(tmp_path, "web")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = yaml.safe_load(file.read_text())
    assert secret["metadata"] == {"name": "fallback-self-signed-cert", "namespace": "web"}
    assert secret["type"] == "kubernetes.io/tls"

    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    key = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.localhost"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
