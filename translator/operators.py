"""Envoy's command operators in header values, such as `%DOWNSTREAM_REMOTE_ADDRESS%` and `%REQ(X-A?X-B):10%`.

Envoy refuses a whole route table for one operator that it does not know, so they are checked before it sees them. The
operators and their parameters are those of Envoy 1.40 ("Substitution formatter" in its documentation, and what the
binary itself accepts: a test asks it).

Whoever may write a Mapping may read what its headers show. So these are the operators about a request, its answer, its
connections and the way it takes, all of which its client or its service can see. The others are refused: what shows
the pod (`ENVIRONMENT`), what parts of Envoy keep for each other, and what holds other operators (`COALESCE`, `CEL`).
Where else Envoy should fill in a text of people, this is the check for it.
"""

from __future__ import annotations

import re
from typing import Final

from translator.decoding.values import Invalid, quote

_OPERATOR: Final = re.compile(r"%([A-Z0-9_]+)(?:\((.*?)\))?(:[0-9]{1,18})?%")

_BARE_NAMES: Final = """
ACCESS_LOG_TYPE BYTES_RECEIVED BYTES_RETRANSMITTED BYTES_SENT CONNECTION_ID CONNECTION_TERMINATION_DETAILS
CUSTOM_FLAGS DURATION FILTER_CHAIN_NAME GRPC_STATUS_NUMBER HOSTNAME LISTENER_NAME LOCAL_REPLY_BODY
PACKETS_RETRANSMITTED PROTOCOL REQUESTED_SERVER_NAME REQUEST_DURATION REQUEST_HEADERS_BYTES REQUEST_TX_DURATION
RESPONSE_CODE RESPONSE_DURATION RESPONSE_FLAGS RESPONSE_FLAGS_LONG RESPONSE_HEADERS_BYTES RESPONSE_TRAILERS_BYTES
RESPONSE_TX_DURATION ROUNDTRIP_DURATION ROUTE_NAME ROUTE_RESOLUTION_COUNT ROUTE_RESOLUTION_TIME_US SPAN_ID STREAM_ID
TLS_JA3_FINGERPRINT TLS_JA4_FINGERPRINT TRACE_ID UNIQUE_ID VIRTUAL_CLUSTER_NAME

DOWNSTREAM_CX_RTT DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED DOWNSTREAM_DECOMPRESSED_HEADER_BYTES_SENT
DOWNSTREAM_DETECTED_CLOSE_TYPE DOWNSTREAM_DIRECT_LOCAL_ADDRESS DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID
DOWNSTREAM_DIRECT_LOCAL_PORT DOWNSTREAM_DIRECT_REMOTE_ADDRESS DOWNSTREAM_DIRECT_REMOTE_PORT
DOWNSTREAM_HANDSHAKE_DURATION DOWNSTREAM_HEADER_BYTES_RECEIVED DOWNSTREAM_HEADER_BYTES_SENT
DOWNSTREAM_LOCAL_ADDRESS DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID DOWNSTREAM_LOCAL_CLOSE_REASON
DOWNSTREAM_LOCAL_DNS_SAN DOWNSTREAM_LOCAL_EMAIL_SAN DOWNSTREAM_LOCAL_IP_SAN DOWNSTREAM_LOCAL_OTHERNAME_SAN
DOWNSTREAM_LOCAL_PORT DOWNSTREAM_LOCAL_SUBJECT DOWNSTREAM_LOCAL_URI_SAN DOWNSTREAM_PEER_CERT
DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_1 DOWNSTREAM_PEER_CHAIN_FINGERPRINTS_256 DOWNSTREAM_PEER_CHAIN_SERIALS
DOWNSTREAM_PEER_DNS_SAN DOWNSTREAM_PEER_EMAIL_SAN DOWNSTREAM_PEER_FINGERPRINT_1 DOWNSTREAM_PEER_FINGERPRINT_256
DOWNSTREAM_PEER_IP_SAN DOWNSTREAM_PEER_ISSUER DOWNSTREAM_PEER_ISSUER_FINGERPRINT_256
DOWNSTREAM_PEER_ISSUER_SERIAL DOWNSTREAM_PEER_OTHERNAME_SAN DOWNSTREAM_PEER_SERIAL DOWNSTREAM_PEER_SUBJECT
DOWNSTREAM_PEER_URI_SAN DOWNSTREAM_REMOTE_ADDRESS DOWNSTREAM_REMOTE_PORT DOWNSTREAM_TLS_CIPHER
DOWNSTREAM_TLS_GROUP DOWNSTREAM_TLS_VERSION DOWNSTREAM_TRANSPORT_FAILURE_REASON
DOWNSTREAM_WIRE_BYTES_RECEIVED DOWNSTREAM_WIRE_BYTES_SENT

UPSTREAM_CLUSTER UPSTREAM_CLUSTER_RAW UPSTREAM_CONNECTION_ID UPSTREAM_CONNECTION_IDS_ATTEMPTED
UPSTREAM_CONNECTION_POOL_READY_DURATION UPSTREAM_DECOMPRESSED_HEADER_BYTES_RECEIVED
UPSTREAM_DECOMPRESSED_HEADER_BYTES_SENT UPSTREAM_DETECTED_CLOSE_TYPE UPSTREAM_HEADER_BYTES_RECEIVED
UPSTREAM_HEADER_BYTES_SENT UPSTREAM_HOST UPSTREAM_HOSTS_ATTEMPTED UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT
UPSTREAM_HOST_NAME UPSTREAM_HOST_NAMES_ATTEMPTED UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT
UPSTREAM_HOST_NAME_WITHOUT_PORT UPSTREAM_LOCAL_ADDRESS UPSTREAM_LOCAL_CLOSE_REASON UPSTREAM_LOCAL_DNS_SAN
UPSTREAM_LOCAL_IP_SAN UPSTREAM_LOCAL_PORT UPSTREAM_LOCAL_URI_SAN UPSTREAM_PEER_CERT UPSTREAM_PEER_DNS_SAN
UPSTREAM_PEER_IP_SAN UPSTREAM_PEER_ISSUER UPSTREAM_PEER_SUBJECT UPSTREAM_PEER_URI_SAN UPSTREAM_PROTOCOL
UPSTREAM_REMOTE_ADDRESS UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID UPSTREAM_REMOTE_PORT UPSTREAM_REQUEST_ATTEMPT_COUNT
UPSTREAM_SERVER_NAME UPSTREAM_TLS_CIPHER UPSTREAM_TLS_GROUP UPSTREAM_TLS_VERSION
UPSTREAM_TRANSPORT_FAILURE_REASON UPSTREAM_WIRE_BYTES_RECEIVED UPSTREAM_WIRE_BYTES_SENT
"""

_BARE: Final = frozenset(_BARE_NAMES.split())
"""Operators that take nothing."""

_TIME: Final = r"(?!.*%[-_0^#]*[1-9]*[EO]?n).*"  # strftime; a newline in it would end up in the header
_NAME: Final = r":?[-!#$%&'*+.^_`|~0-9A-Za-z]*"
_HEADERS: Final = rf"(?!\??\Z){_NAME}(\?{_NAME})?"
_MASK: Final = r"([0-9]{1,3})?"  # the length of the network's part of an address

_PARAMETERS: Final = {
    **dict.fromkeys(("START_TIME", "START_TIME_LOCAL", "EMIT_TIME", "EMIT_TIME_LOCAL"), f"({_TIME})?"),
    **dict.fromkeys(("DOWNSTREAM_PEER_CERT_V_START", "DOWNSTREAM_PEER_CERT_V_END"), f"({_TIME})?"),
    **dict.fromkeys(("UPSTREAM_PEER_CERT_V_START", "UPSTREAM_PEER_CERT_V_END"), f"({_TIME})?"),
    **dict.fromkeys(("DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"), _MASK),
    **dict.fromkeys(("UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT", "UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT"), _MASK),
    "DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT": _MASK,
    "DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT": _MASK,
    "RESPONSE_CODE_DETAILS": "(ALLOW_WHITESPACES)?",
    "GRPC_STATUS": "(CAMEL_STRING|SNAKE_STRING|NUMBER)?",
    "COMMON_DURATION": "[^:]+:[^:]+(:(ms|us|ns))?",
}
"""What operators take in parentheses, as a regular expression; they take no length."""

_CUT: Final = {
    **dict.fromkeys(("REQ", "RESP", "TRAILER", "REQUEST_HEADER", "RESPONSE_HEADER", "RESPONSE_TRAILER"), _HEADERS),
    "STREAM_INFO_REQ": _HEADERS,
    "PATH": "((WQ|NQ)(:(ORIG|PATH|ORIG_OR_PATH))?)?",
    "QUERY_PARAM": "[^()%]+",
    "QUERY_PARAMS": "(ORIG|DECODED)?",
}
"""The same, for operators that take a length, too: `%REQ(X-A):10%`."""

_THE_PODS: Final = "shows what the gateway's pod holds"
_ENVOYS: Final = "shows what parts of the gateway keep for each other"
_CONNECTIONS: Final = "shows what is between the two ends of a connection"
_OTHERS: Final = "may hold any other"

REFUSED: Final = {
    **dict.fromkeys(("ENVIRONMENT", "FILE_CONTENT", "SECRET"), _THE_PODS),
    **dict.fromkeys(("DYNAMIC_METADATA", "METADATA", "CLUSTER_METADATA", "UPSTREAM_METADATA"), _ENVOYS),
    **dict.fromkeys(("FILTER_STATE", "UPSTREAM_FILTER_STATE", "PER_REQUEST_STATE", "XFCC_VALUE"), _ENVOYS),
    **dict.fromkeys(("DOWNSTREAM_TLS_SESSION_ID", "UPSTREAM_TLS_SESSION_ID"), _CONNECTIONS),
    **dict.fromkeys(("CEL", "TYPED_CEL", "COALESCE"), _OTHERS),
}
"""Operators that Envoy knows, or can be told of, and which texts of people must not use; and why not."""

NAMES: Final = _BARE | _PARAMETERS.keys() | _CUT.keys()

_KEYS: Final = r"[^()%]+"
_STATE: Final = r"[^()%:]+(:(PLAIN|TYPED|FIELD:[^()%]+))?"
_HOLDERS: Final = "DYNAMIC|CLUSTER|ROUTE|UPSTREAM_HOST|LISTENER|LISTENER_FILTER_CHAIN|VIRTUAL_HOST"
_IN_LOGS: Final = {
    **dict.fromkeys(("DYNAMIC_METADATA", "CLUSTER_METADATA", "UPSTREAM_METADATA"), _KEYS),
    **dict.fromkeys(("FILTER_STATE", "UPSTREAM_FILTER_STATE"), _STATE),
    "METADATA": rf"({_HOLDERS})(:[^()%]+)?",
}
"""What a log of the whole gateway may show beside, as its readers are not clients; with lengths."""


def check_operators(text: str, *, in_log: bool = False) -> None:
    """Refuse what shows more than the request, and what Envoy would refuse: a lone `%`, wrong parameters.

    Args:
        text: what Envoy is to fill in.
        in_log: the text is a line of the gateway's own log, which may also show what its filters keep for each other.

    Raises:
        Invalid: with what is wrong.
    """
    position = text.find("%")
    while position >= 0:
        if text.startswith("%%", position):
            position = text.find("%", position + 2)
            continue
        match = _OPERATOR.match(text, position)
        if not match:
            raise Invalid(f"has a '%' that begins no operator, at {quote(text[position:])}; a percent sign is '%%'")
        if not (in_log and match[1] in _IN_LOGS and re.fullmatch(_IN_LOGS[match[1]], match[2] or "")):
            _check(match[0], match[1], match[2], match[3], in_log=in_log)
        position = text.find("%", match.end())


def _check(operator: str, name: str, given: str | None, length: str | None, *, in_log: bool) -> None:
    if in_log and name in _IN_LOGS:
        raise Invalid(f"has an operator that has a wrong parameter: {quote(operator)}")
    if name in REFUSED:
        raise Invalid(f"must not use an operator that {REFUSED[name]}: {quote(operator)}")
    if name not in NAMES:
        raise Invalid(f"has an operator that Envoy does not know: {quote(operator)}; a percent sign is '%%'")
    if name in _BARE and given is not None:
        raise Invalid(f"gives a parameter to {name}, which takes none: {quote(operator)}")
    if name not in _CUT and length is not None:
        raise Invalid(f"gives a length to {name}, which takes none: {quote(operator)}")
    wanted = _PARAMETERS.get(name) or _CUT.get(name)
    if wanted is not None and not re.fullmatch(wanted, given or ""):
        what = "needs a parameter" if given is None else "has a wrong parameter"
        raise Invalid(f"has an operator that {what}: {quote(operator)}")
