"""What the entrypoint reads of a folder, and the certificate that it makes."""

import base64
import ipaddress
import stat
from datetime import UTC, datetime
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from entrypoint.certificate import write_fallback
from entrypoint.folder import demo_address, documents, has_fallback_secret, of_kind

MAPPING = "apiVersion: getambassador.io/v3alpha1\nkind: Mapping\nmetadata: {name: NAME}\nspec: {}\n"


def test_documents_are_read_wherever_they_are_but_hidden(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "a.yaml").write_text(MAPPING + "---\n- no object\n---\n" + MAPPING.replace("NAME", "second"))
    (tmp_path / "b" / "c" / "d.yml").write_text(MAPPING.replace("NAME", "third"))
    (tmp_path / "e.txt").write_text(MAPPING)
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "f.yaml").write_text(MAPPING)
    (tmp_path / "f.yaml").symlink_to(tmp_path / "..data" / "f.yaml")
    names = [found["metadata"]["name"] for found in documents(tmp_path)]
    assert names == ["NAME", "second", "third", "NAME"]


def test_what_cannot_be_read_is_left_to_the_watcher(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d.yaml").write_text("metadata: 3\nspec: []\nkind: Mapping\napiVersion: getambassador.io/v2\n")
    found = documents(tmp_path)
    assert len(found) == 1
    assert demo_address(found) is None
    assert not has_fallback_secret(found, "default")
    assert of_kind(found, "Mapping", "default") == found
    assert of_kind(found, "Mapping", "other") == []


def test_a_folder_brings_its_own_certificate_for_its_namespace(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "apiVersion: v1\nkind: Secret\nmetadata: {name: fallback-self-signed-cert, namespace: web}\n"
    )
    assert has_fallback_secret(documents(tmp_path), "web")
    assert not has_fallback_secret(documents(tmp_path), "default")


def test_the_certificate_is_for_this_machine_and_its_key_private(tmp_path: Path) -> None:
    file = write_fallback(tmp_path, "web")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    secret = yaml.safe_load(file.read_text())
    assert secret["metadata"] == {"name": "fallback-self-signed-cert", "namespace": "web"}
    assert secret["type"] == "kubernetes.io/tls"
    assert has_fallback_secret(documents(tmp_path), "web")

    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    key = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert key.public_key() == certificate.public_key()
    assert certificate.not_valid_before_utc < datetime.now(UTC) < certificate.not_valid_after_utc
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.localhost"]
    assert ipaddress.ip_address("127.0.0.1") in names.get_values_for_type(x509.IPAddress)
