"""Which files are wanted, together, and by what name their content is known.

Files that belong together are read together: a certificate whose key is still that of the one before is of no use.
"""

from typing import Final, Literal

from translator.decode import Invalid
from translator.ir import ObjectKey, PemFiles
from translator.values import dataclass

LONGEST: Final = 200
"""Bytes of a path; two of them are a key in the snapshot, which has 511."""

SEPARATOR: Final = ";"
GROUP: Final = "file/"

Sort = Literal["Pem", "Istio", "Text"]

ISTIO_FILES: Final = ("cert-chain.pem", "key.pem", "root-cert.pem")
"""As Istio's agent calls them; the last one may be missing."""


@dataclass(frozen=True, slots=True)
class Files:
    """Files that are wanted together. `optional` ones may be missing."""

    sort: Sort
    paths: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def key(self) -> ObjectKey:
        """The key under which their content is kept."""
        return f"{GROUP}{self.sort}/{SEPARATOR.join(self.paths)}"


def pem_files(files: PemFiles) -> Files:
    """The files of a certificate, or of CAs."""
    return Files("Pem", (files.certificate, files.key) if files.key else (files.certificate,))


def text_file(path: str) -> Files:
    """A file with a text."""
    return Files("Text", (path,))


def istio_files(folder: str) -> Files:
    """What Istio's agent writes into a folder."""
    chain, key, root = [f"{folder.rstrip('/')}/{name}" for name in ISTIO_FILES]
    return Files("Istio", (chain, key, root), optional=(root,))


def path_of_file(text: str) -> str:
    """The check of a field that names a file."""
    if not text.startswith("/"):
        raise Invalid("must be a whole path, beginning with /")
    if SEPARATOR in text or not text.isprintable():
        raise Invalid(f"must have no {SEPARATOR} and nothing that is not printable")
    if len(text.encode()) > LONGEST:
        raise Invalid(f"must have at most {LONGEST} bytes, not {len(text.encode())}")
    return text
