"""What a test cluster's programs know each other by: kubeconfigs with a certificate, and keys that sign tokens."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.certificates import Pair, private_pem

ADMINISTRATORS = "system:masters"


def write_signing_key(folder: Path, name: str) -> tuple[Path, Path]:
    """A key pair that signs tokens, as `NAME.pub` and `NAME.key`; their paths."""
    key = ec.generate_private_key(ec.SECP256R1())
    public, private = folder / f"{name}.pub", folder / f"{name}.key"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    private.write_bytes(private_pem(key))
    return public, private


def certificate_user(pair: Pair) -> Mapping[str, str]:
    """The user of a kubeconfig, by a client certificate."""
    return {"client-certificate-data": _base64(pair.certificate), "client-key-data": _base64(pair.key)}


def kubeconfig(url: str, authority: bytes, user: Mapping[str, Any], namespace: str = "default") -> str:
    """A kubeconfig with one cluster and one user (JSON, which is YAML too)."""
    cluster = {"server": url, "certificate-authority-data": _base64(authority)}
    context = {"cluster": "test", "user": "test", "namespace": namespace}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": dict(user)}],
            "contexts": [{"name": "test", "context": context}],
            "current-context": "test",
        },
        indent=2,
    )


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
