"""The inputs of the benchmarks: N Mappings, 50 a Host or all on one, as the folder of YAML that a person would have."""

import json
from pathlib import Path
from typing import Literal

from tests.support.certificates import authority
from tests.support.objects import host, mapping, tls_secret

Layout = Literal["50", "one"]
PER_HOST = 50


def hosts_of(count: int, layout: Layout) -> list[tuple[str, int]]:
    """The hostnames, and how many Mappings each has."""
    if layout == "one":
        return [("all.bench.test", count)]
    whole, rest = divmod(count, PER_HOST)
    sizes = [PER_HOST] * whole + ([rest] if rest else [])
    return [(f"h{index}.bench.test", size) for index, size in enumerate(sizes)]


def documents_of(name: str, size: int, *, answer: str) -> str:
    """One Host with its Mappings. The last of them redirects to `answer`, so that Envoy itself tells the version."""
    secret = {"tlsSecret": {"name": "bench"}}
    texts = [host(name.replace(".", "-"), name, insecure="Redirect", **secret)]
    for index in range(size - 1):
        extra = {"add_request_headers": {"x-bench": {"value": str(index)}}} if index % 10 == 0 else {}
        texts.append(mapping(f"{name}-{index}", name, f"10.0.{index % 250}.1:80", f"/m{index}/", **extra))
    texts.append(mapping(f"{name}-last", name, answer, f"/m{size - 1}/", host_redirect=True))
    return "".join(texts)


def write_folder(folder: Path, count: int, layout: Layout) -> None:
    """One file a Host, and one for the certificate that they share."""
    pair = authority().sign("*.bench.test")
    (folder / "certificate.yaml").write_text(tls_secret("bench", pair.certificate, pair.key))
    for name, size in hosts_of(count, layout):
        (folder / f"{name}.yaml").write_text(documents_of(name, size, answer="v0.bench.test"))


def objects_in(text: str) -> dict[str, bytes]:
    """The objects of a text made here, by key, as the snapshot has them."""
    found: dict[str, bytes] = {}
    for part in text.split("\n---\n"):
        if part.strip():
            document = json.loads(part)
            group, _, _ = document["apiVersion"].rpartition("/")
            metadata = document["metadata"]
            key = f"{group or 'core'}/{document['kind']}/{metadata.get('namespace', 'default')}/{metadata['name']}"
            found[key] = json.dumps(document).encode()
    return found
