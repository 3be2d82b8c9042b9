"""TLSContext: how TLS is spoken, with clients or with a service."""

from collections.abc import Iterable
from dataclasses import field
from typing import Annotated, ClassVar, Final, Literal

from translator import ir
from translator.checks import HOST_SCHEMA, LONGEST_SERVER_NAME, PlainText, plain_text
from translator.ciphers import CIPHERS, STANDARD_CIPHERS
from translator.decode import Invalid, Problem, Rule, Validation, quote, rule
from translator.emissary.hostnames import host_hostname
from translator.emissary.objects import words
from translator.files.names import path_of_file
from translator.values import dataclass

Version = Literal["v1.0", "v1.1", "v1.2", "v1.3"]

CURVES: Final = words(
    """
    MLKEM1024 P-256 P-384 P-521 X25519 X25519MLKEM768 prime256v1 secp384r1 secp521r1 x25519
    """
)
_CURVE_OF: Final = {"prime256v1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521", "x25519": "X25519"}
"""Other names of curves; Envoy refuses a list that names one twice, by whatever names."""
LONGEST_ALPN: Final = 65_534
"""Bytes that all names of protocols may have together in Envoy, with the commas between them."""


def _cipher(text: str) -> str:
    """A cipher suite, or several that are liked alike, in brackets; or such, joined by colons.

    What passes here and not in Envoy is told of the Secret, and stops whoever shares it: Envoy refuses the Secret.
    """
    for part in text.split(":"):
        alike = part[1:-1].split("|") if part.startswith("[") and part.endswith("]") else [part]
        for name in alike:
            if name not in CIPHERS and name not in STANDARD_CIPHERS:
                raise Invalid(f"must be a cipher suite that Envoy knows, not {quote(name)}")
    return text


def _curve(text: str) -> str:
    if text not in CURVES:
        raise Invalid(f"must be one of {', '.join(sorted(CURVES))}, not {quote(text)}")
    return text


def _different(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len({_CURVE_OF.get(text, text) for text in texts}) < len(texts):
        raise Invalid(f"must not name a curve twice, by one name or by two: {quote(', '.join(texts))}")
    return texts


def _alpn(text: str) -> str:
    for name in text.split(","):
        if not 0 < len(name.strip().encode()) < 256:
            raise Invalid(f"must be protocols, separated by commas, not {quote(text)}")
    if len(text.encode()) > LONGEST_ALPN:
        raise Invalid(f"must have at most {LONGEST_ALPN} bytes, not {len(text.encode())}")
    return plain_text(text)


def _sni(text: str) -> str:
    if len(text.encode()) > LONGEST_SERVER_NAME:
        raise Invalid(f"must have at most {LONGEST_SERVER_NAME} bytes, not {len(text.encode())}")
    return plain_text(text)


FileName = Annotated[str, Rule(check=path_of_file)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """How TLS is spoken, apart from the certificate."""

    SILENT: ClassVar[frozenset[str]] = frozenset({"v2CRLSecret"})
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            "(has(self.min_tls_version) ? self.min_tls_version"
            " : has(self.minTlsVersion) ? self.minTlsVersion : 'v1.0')"
            " <= (has(self.max_tls_version) ? self.max_tls_version"
            " : has(self.maxTlsVersion) ? self.maxTlsVersion : 'v1.3')",
            "min_tls_version must not be newer than max_tls_version",
        ),
        Validation(
            "(has(self.cert_chain_file) || has(self.certChainFile))"
            " == (has(self.private_key_file) || has(self.privateKeyFile))",
            "cert_chain_file and private_key_file need each other",
        ),
        Validation(
            "!(has(self.cacert_chain_file) || has(self.cacertChainFile))"
            " || !(has(self.ca_secret) || has(self.caSecret))",
            "cacert_chain_file cannot be given together with ca_secret",
        ),
    )

    ca_secret: PlainText | None = field(
        default=None,
        metadata=rule("The Secret whose tls.crt is the CA that peers are checked against.", aliases=("caSecret",)),
    )
    cert_required: bool | None = field(
        default=None, metadata=rule("Clients must show a certificate.", aliases=("certRequired",))
    )
    alpn_protocols: str | None = field(
        default=None,
        metadata=rule(
            "Protocols in order of preference, such as h2,http/1.1.", check=_alpn, aliases=("alpnProtocols",)
        ),
    )
    min_tls_version: Version | None = field(
        default=None, metadata=rule("The oldest version.", aliases=("minTlsVersion",))
    )
    max_tls_version: Version | None = field(
        default=None, metadata=rule("The newest version.", aliases=("maxTlsVersion",))
    )
    cipher_suites: tuple[Annotated[str, Rule(check=_cipher)], ...] = field(
        default=(), metadata=rule("Cipher suites, up to TLS 1.2.", aliases=("cipherSuites",))
    )
    ecdh_curves: tuple[Annotated[str, Rule(check=_curve)], ...] = field(
        default=(), metadata=rule("Curves of the key exchange.", check=_different, aliases=("ecdhCurves",))
    )
    sni: str | None = field(default=None, metadata=rule("The name that a service is asked for in TLS.", check=_sni))
    redirect_cleartext_from: object = field(
        default=None,
        metadata=rule(
            "No effect.",
            warn="has no effect: a Host's requestPolicy says what becomes of clear text",
            aliases=("redirectCleartextFrom",),
        ),
    )
    cert_chain_file: FileName | None = field(
        default=None,
        metadata=rule("A file of the gateway's with the certificate, by its whole path.", aliases=("certChainFile",)),
    )
    private_key_file: FileName | None = field(
        default=None, metadata=rule("The file with the certificate's key.", aliases=("privateKeyFile",))
    )
    cacert_chain_file: FileName | None = field(
        default=None,
        metadata=rule("The file with the CA that peers are checked against.", aliases=("cacertChainFile",)),
    )
    crl_secret: PlainText | None = field(
        default=None,
        metadata=rule("The Secret whose crl.pem lists the certificates that no longer count.", aliases=("crlSecret",)),
    )

    @property
    def versions(self) -> ir.TlsVersions:
        """The versions that are spoken."""
        return ir.TlsVersions(self.min_tls_version, self.max_tls_version)

    @property
    def alpn(self) -> tuple[str, ...]:
        """The protocols that are offered, one by one."""
        return tuple(name.strip() for name in self.alpn_protocols.split(",")) if self.alpn_protocols else ()

    @property
    def certificate_files(self) -> ir.PemFiles | None:
        """The files with the certificate and its key."""
        chain, key = self.cert_chain_file, self.private_key_file
        return ir.PemFiles(chain, key) if chain and key else None

    @property
    def authority_file(self) -> ir.PemFiles | None:
        """The file with the CA."""
        return ir.PemFiles(self.cacert_chain_file) if self.cacert_chain_file else None

    def cross_check(self) -> Iterable[Problem]:
        """The oldest version must not be newer than the newest, a certificate needs its key, and one CA is enough."""
        if self.min_tls_version and self.max_tls_version and self.min_tls_version > self.max_tls_version:
            yield Problem("min_tls_version", f"must not be newer than max_tls_version, which is {self.max_tls_version}")
        if self.cert_chain_file and not self.private_key_file:
            yield Problem("cert_chain_file", "needs private_key_file, with the certificate's key")
        if self.private_key_file and not self.cert_chain_file:
            yield Problem("private_key_file", "needs cert_chain_file, with the key's certificate")
        if self.cacert_chain_file and self.ca_secret:
            yield Problem("cacert_chain_file", "cannot be given together with ca_secret")


@dataclass(frozen=True, slots=True, kw_only=True)
class TLSContextSpec(TlsSettings):
    """TLS settings with a name, for Hosts, TCPMappings and services."""

    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        *TlsSettings.VALIDATIONS,
        Validation(
            "!has(self.secret) || !(has(self.cert_chain_file) || has(self.certChainFile))",
            "cert_chain_file cannot be given together with secret",
        ),
    )

    hosts: tuple[Annotated[str, Rule(check=host_hostname, schema=HOST_SCHEMA)], ...] = field(
        default=(), metadata=rule("The names that it is for, where TLS is ended.")
    )
    secret: PlainText | None = field(
        default=None, metadata=rule("The Secret with tls.crt and tls.key, in this namespace or as name.namespace.")
    )
    secret_namespacing: bool | None = field(
        default=None, metadata=rule("Whether a dot in the name of a Secret begins its namespace; true when absent.")
    )

    def cross_check(self) -> Iterable[Problem]:
        """As for all settings of TLS; and one certificate is enough."""
        yield from TlsSettings.cross_check(self)
        if self.secret and self.cert_chain_file:
            yield Problem("cert_chain_file", "cannot be given together with secret")
