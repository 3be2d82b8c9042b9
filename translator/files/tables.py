"""The tables of what the watcher read of files that objects name: certificates with their keys, CAs, and texts."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from translator.decode import Invalid, Problem
from translator.files.names import pem_files, text_file
from translator.ir import ObjectKey, PemFiles
from translator.kubernetes.secret import Certificate, certificate_of_files, refused_with
from translator.operators import check_operators
from translator.tables import Table, Tables, read
from translator.values import dataclass

ISTIO_SECRET: Final = "istio-certs"  # noqa: S105 -- the name of one
UNREAD: Final = "has not been read yet"


@dataclass(frozen=True, slots=True)
class Text:
    """A text that clients are shown; or why there is none."""

    text: str = ""
    problem: str | None = None
    refusal: str | None = None
    """Why it is the one before, where the file has another one now."""


@dataclass(frozen=True, slots=True)
class Content:
    """What the watcher read: the bytes of each file by its path, and of those that it could not read, why."""

    data: Mapping[str, bytes]
    troubles: Mapping[str, str]

    @classmethod
    def of(cls, body: bytes) -> "Content":
        """As the watcher writes it."""
        said: dict[str, Any] = orjson.loads(body)
        data = {path: base64.b64decode(text) for path, text in said["data"].items()}
        return cls(data, dict(said["troubles"]))


class FileTables:
    """Certificates and texts by the keys of their files, which are the sources.

    `istio` is the Secret that Istio's files become, as an object; without them one of the cluster may be it.
    `refusals` is to be filled, too: what Envoy said of certificates that it refused.
    """

    def __init__(self, tables: Tables, namespace: str) -> None:
        pems: Table[ObjectKey, bytes] = tables.source("PEM files")
        istio: Table[ObjectKey, bytes] = tables.source("files of Istio")
        texts: Table[ObjectKey, bytes] = tables.source("text files")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            "file/Pem": pems,
            "file/Istio": istio,
            "file/Text": texts,
        }
        self.refusals: Table[ObjectKey, str] = tables.source("refusals of files")
        found = tables.each("certificates of files", pems, lambda _, body: certificate_of(body))
        refused = tables.each("files refused", self.refusals, lambda key, said: refused_with(read(found, key), said))
        self._certificates: Table[ObjectKey, Certificate] = tables.union("files with refusals", refused, found)
        self._texts: Table[ObjectKey, Text] = tables.each(
            "texts of files", texts, lambda key, body: replace(text_of(body), refusal=read(self.refusals, key))
        )
        secret = f"core/Secret/{namespace}/{ISTIO_SECRET}"
        made = tables.group(
            "Istio's certificates",
            istio,
            lambda key, body: {secret: (key, self._of_istio(key, body))} if not Content.of(body).troubles else {},
        )
        self._made: Table[ObjectKey, tuple[ObjectKey, Certificate]] = tables.each(
            "Istio's files", made, lambda _, members: members[min(members)]
        )
        self.istio: Table[ObjectKey, Certificate] = tables.each("Istio's Secret", self._made, lambda _, row: row[1])
        self.problems: Table[ObjectKey, tuple[Problem, ...]] = tables.each(
            "problems of Istio's files", istio, lambda _, body: _problems_of_istio(body)
        )

    def certificate(self, files: PemFiles) -> Certificate | None:
        """What files hold; None where they have not been read yet. For rules that a sweep runs."""
        return read(self._certificates, pem_files(files).key)

    def text(self, path: str) -> Text:
        """What clients are shown of a file; for rules that a sweep runs."""
        return read(self._texts, text_file(path).key) or Text(problem=UNREAD)

    def behind(self, secret: ObjectKey) -> ObjectKey:
        """The files that a Secret is made of, or itself, when it is none of them."""
        row = self._made.view().get(secret)
        return row[0] if row else secret

    def _of_istio(self, key: ObjectKey, body: bytes) -> Certificate:
        return replace(certificate_of(body), refusal=read(self.refusals, key))


def certificate_of(body: bytes) -> Certificate:
    """A certificate with its key, or CAs, or what Istio writes."""
    content = Content.of(body)
    if content.troubles:
        return Certificate(problem="; ".join(f"{path} {trouble}" for path, trouble in content.troubles.items()))
    return certificate_of_files(content.data)


def text_of(body: bytes) -> Text:
    """A text with Envoy's operators."""
    content = Content.of(body)
    if content.troubles:
        return Text(problem=next(iter(content.troubles.values())))
    try:
        text = next(iter(content.data.values())).decode()
    except UnicodeDecodeError:
        return Text(problem="holds no text in UTF-8")
    try:
        check_operators(text)
    except Invalid as invalid:
        return Text(problem=invalid.message)
    return Text(text)


def problem_of_files(key: ObjectKey, body: bytes) -> str | None:
    """Why what was read is of no use; None when it is."""
    if key.startswith("file/Text/"):
        return text_of(body).problem
    found = certificate_of(body)
    return found.problem or found.unfit


def _problems_of_istio(body: bytes) -> tuple[Problem, ...] | None:
    """What is wrong with Istio's files: nobody names them, so it is told of themselves."""
    found = certificate_of(body)
    said = found.problem or found.unfit
    return (Problem("", said),) if said else None
