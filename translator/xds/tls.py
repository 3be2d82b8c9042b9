"""TLS on both sides. Certificates are given apart (SDS), so that a rotated one changes no listener and no cluster."""

from collections.abc import Sequence
from dataclasses import replace

from envoyapi.config_core_v3 import DataSource, TransportSocket
from envoyapi.transport_sockets_quic_v3 import QuicDownstreamTransport
from envoyapi.transport_sockets_tls_v3 import (
    CertificateValidationContext,
    CertificateValidationContextTrustChainVerification,
    CommonTlsContext,
    CommonTlsContextCombinedCertificateValidationContext,
    DownstreamTlsContext,
    SdsSecretConfig,
    Secret,
    SubjectAltNameMatcher,
    SubjectAltNameMatcherSanType,
    TlsCertificate,
    TlsParameters,
    TlsParametersTlsProtocol,
    UpstreamTlsContext,
)
from envoyapi.type_matcher_v3 import StringMatcher
from envoyapi.wire import any_of
from translator.ir import AuthorityRef, CertificateRef, PeerName, SecretRef, TlsTermination, TlsVersions, UpstreamTls
from translator.kubernetes.secret import Certificate
from translator.xds.names import authority_name, certificate_name
from translator.xds.sources import ADS

_PROTOCOLS = {
    None: None,
    "v1.0": TlsParametersTlsProtocol.TLSv1_0,
    "v1.1": TlsParametersTlsProtocol.TLSv1_1,
    "v1.2": TlsParametersTlsProtocol.TLSv1_2,
    "v1.3": TlsParametersTlsProtocol.TLSv1_3,
}


def downstream_tls(tls: TlsTermination) -> TransportSocket:
    """The transport socket that ends clients' TLS."""
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(_downstream(tls)))


def _downstream(tls: TlsTermination) -> DownstreamTlsContext:
    return DownstreamTlsContext(
        common_tls_context=_common(tls, tls.certificates, tls.client_ca, tls.client_revocations),
        require_client_certificate=True if tls.require_client_certificate else None,
    )


def quic_tls(tls: TlsTermination) -> TransportSocket:
    """The transport socket that ends clients' QUIC, which is always TLS 1.3.

    There are no requests before the handshake is done (0-RTT): they may be somebody's repetitions.
    """
    settings = replace(tls, alpn=("h3",), versions=TlsVersions(), cipher_suites=())
    transport = QuicDownstreamTransport(downstream_tls_context=_downstream(settings), enable_early_data=False)
    return TransportSocket(name="envoy.transport_sockets.quic", typed_config=any_of(transport))


def upstream_tls(tls: UpstreamTls) -> TransportSocket:
    """The transport socket that speaks TLS to a backend."""
    context = UpstreamTlsContext(
        common_tls_context=_common(
            _with_newest(tls), (tls.certificate,) if tls.certificate else (), tls.ca, tls.revocations, tls.names
        ),
        sni=tls.sni,
    )
    return TransportSocket(name="envoy.transport_sockets.tls", typed_config=any_of(context))


def _with_newest(tls: UpstreamTls) -> UpstreamTls:
    """Towards servers Envoy speaks TLS 1.2 at most, unless it is told; towards clients 1.3."""
    if tls.versions.newest is not None:
        return tls
    return replace(tls, versions=replace(tls.versions, newest="v1.3"))


def _common(
    tls: TlsTermination | UpstreamTls,
    certificates: Sequence[CertificateRef],
    authority: AuthorityRef | None,
    revocations: SecretRef | None,
    names: Sequence[PeerName] = (),
) -> CommonTlsContext:
    trusted = SdsSecretConfig(name=authority_name(authority, revocations), sds_config=ADS) if authority else None
    combined = _named(trusted, names) if names else None
    if isinstance(tls, TlsTermination) and trusted and (tls.takes_any_client or tls.client_depth is not None):
        combined = _unchecked(trusted) if tls.takes_any_client else _not_deeper(trusted, tls.client_depth)
    return CommonTlsContext(
        tls_params=_parameters(tls.versions, tls.cipher_suites, tls.ecdh_curves),
        alpn_protocols=tls.alpn,
        tls_certificate_sds_secret_configs=[
            SdsSecretConfig(name=certificate_name(secret), sds_config=ADS) for secret in certificates
        ],
        validation_context_sds_secret_config=trusted if combined is None else None,
        combined_validation_context=combined,
    )


def _unchecked(trusted: SdsSecretConfig) -> CommonTlsContextCombinedCertificateValidationContext:
    """Clients are told whose certificates are wanted, and may show any."""
    return CommonTlsContextCombinedCertificateValidationContext(
        default_validation_context=CertificateValidationContext(
            trust_chain_verification=CertificateValidationContextTrustChainVerification.ACCEPT_UNTRUSTED
        ),
        validation_context_sds_secret_config=trusted,
    )


def _not_deeper(trusted: SdsSecretConfig, depth: int | None) -> CommonTlsContextCombinedCertificateValidationContext:
    """CAs that are given apart, and how many others may stand between them and a certificate: Envoy counts both."""
    most = None if depth is None else depth + 1
    return CommonTlsContextCombinedCertificateValidationContext(
        default_validation_context=CertificateValidationContext(max_verify_depth=most),
        validation_context_sds_secret_config=trusted,
    )


def _named(
    trusted: SdsSecretConfig | None, names: Sequence[PeerName]
) -> CommonTlsContextCombinedCertificateValidationContext:
    """CAs that are given apart, and the names of which a certificate of theirs must have one."""
    wanted = CertificateValidationContext(match_typed_subject_alt_names=[_matcher(name) for name in names])
    return CommonTlsContextCombinedCertificateValidationContext(
        default_validation_context=wanted, validation_context_sds_secret_config=trusted
    )


def _matcher(name: PeerName) -> SubjectAltNameMatcher:
    """To a DNS name Envoy holds what a certificate's own `*.` stands for, where it is to be exactly this one."""
    if name.sort == "uri":
        kind, matcher = SubjectAltNameMatcherSanType.URI, StringMatcher(exact=name.value)
    elif name.sort == "within":
        kind, matcher = SubjectAltNameMatcherSanType.DNS, StringMatcher(suffix=f".{name.value}", ignore_case=True)
    else:
        kind, matcher = SubjectAltNameMatcherSanType.DNS, StringMatcher(exact=name.value)
    return SubjectAltNameMatcher(san_type=kind, matcher=matcher)


def _parameters(versions: TlsVersions, ciphers: tuple[str, ...], curves: tuple[str, ...]) -> TlsParameters | None:
    if versions == TlsVersions() and not ciphers and not curves:
        return None
    return TlsParameters(
        tls_minimum_protocol_version=_PROTOCOLS[versions.oldest],
        tls_maximum_protocol_version=_PROTOCOLS[versions.newest],
        cipher_suites=ciphers,
        ecdh_curves=curves,
    )


def encode_certificate(name: str, certificate: Certificate) -> Secret | None:
    """The Secret's certificate and key, or None when it has none."""
    if certificate.chain is None or certificate.key is None:
        return None
    return Secret(
        name=name,
        tls_certificate=TlsCertificate(
            certificate_chain=DataSource(inline_bytes=certificate.chain),
            private_key=DataSource(inline_bytes=certificate.key),
        ),
    )


def encode_authority(name: str, certificate: Certificate, revocations: bytes | None = None) -> Secret | None:
    """The Secret's CA: `root-cert.pem` or `ca.crt`, else its `tls.crt`; None when it has neither."""
    trusted = certificate.ca or certificate.chain
    if trusted is None:
        return None
    context = CertificateValidationContext(
        trusted_ca=DataSource(inline_bytes=trusted), crl=DataSource(inline_bytes=revocations) if revocations else None
    )
    return Secret(name=name, validation_context=context)
