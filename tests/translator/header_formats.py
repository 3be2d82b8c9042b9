"""Formats of headers: good ones, and wrong ones with what is said of them."""

from __future__ import annotations

GOOD_FORMATS = [
    "plain",
    "100%%",
    "%%PROTOCOL%%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "a %REQ(x-a)% b %RESP(x-b?:status):10%%%",
    "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    "%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ms)%",
    "%PATH(WQ:ORIG)%%QUERY_PARAMS%%QUERY_PARAM(a)%",
    "%GRPC_STATUS(NUMBER)%",
    "%LISTENER_NAME%",
    "%HOSTNAME%",
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(24)%",
    "%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%",
    "%DOWNSTREAM_PEER_CERT%",
    "%REQ(:path):200%",
    "%%ENVIRONMENT(HOME)%%",
]

BAD_FORMATS = {
    "100%": "has a '%' that begins no operator, at '%'; a percent sign is '%%'",
    "50% of it": "has a '%' that begins no operator, at '% of it'; a percent sign is '%%'",
    "%%%": "has a '%' that begins no operator, at '%'; a percent sign is '%%'",
    "%protocol%": "has a '%' that begins no operator, at '%protocol%'; a percent sign is '%%'",
    "%REQ(a)b%": "has a '%' that begins no operator, at '%REQ(a)b%'; a percent sign is '%%'",
    "%FORMATTER%": "has an operator that Envoy does not know: '%FORMATTER%'; a percent sign is '%%'",
    "%REQ%": "has an operator that needs a parameter: '%REQ%'",
    "%REQ()%": "has an operator that has a wrong parameter: '%REQ()%'",
    "%REQ(a?b?c)%": "has an operator that has a wrong parameter: '%REQ(a?b?c)%'",
    "%REQ(a b)%": "has an operator that has a wrong parameter: '%REQ(a b)%'",
    "%PROTOCOL(a)%": "gives a parameter to PROTOCOL, which takes none: '%PROTOCOL(a)%'",
    "%PROTOCOL:3%": "gives a length to PROTOCOL, which takes none: '%PROTOCOL:3%'",
    "%START_TIME(%Y):3%": "gives a length to START_TIME, which takes none: '%START_TIME(%Y):3%'",
    "%START_TIME(a%n)%": "has an operator that has a wrong parameter: '%START_TIME(a%n)%'",
    "%START_TIME:5%": "gives a length to START_TIME, which takes none: '%START_TIME:5%'",
    "%PATH(X)%": "has an operator that has a wrong parameter: '%PATH(X)%'",
    "%REQ(X):-1%": "has a '%' that begins no operator, at '%REQ(X):-1%'; a percent sign is '%%'",
    "%COMMON_DURATION(a:b:s)%": "has an operator that has a wrong parameter: '%COMMON_DURATION(a:b:s)%'",
    "%GRPC_STATUS(X)%": "has an operator that has a wrong parameter: '%GRPC_STATUS(X)%'",
    "%REQ(a%ENVIRONMENT(B)%)%": "has an operator that has a wrong parameter: '%REQ(a%ENVIRONMENT(B)%'",
    "%environment(HOME)%": "has a '%' that begins no operator, at '%environment(HOME)%'; a percent sign is '%%'",
}

_PODS = "must not use an operator that shows what the gateway's pod holds: "
_ENVOYS = "must not use an operator that shows what parts of the gateway keep for each other: "
_OTHERS = "must not use an operator that may hold any other: "

REFUSED_FORMATS = {
    "%ENVIRONMENT(HOME)%": _PODS,
    "%ENVIRONMENT(HOME):3%": _PODS,
    "%ENVIRONMENT%": _PODS,
    "%FILE_CONTENT(/proc/1/environ)%": _PODS,
    "%SECRET(a)%": _PODS,
    '%DYNAMIC_METADATA(["a", "b"])%': _ENVOYS,
    "%METADATA(ROUTE:a)%": _ENVOYS,
    '%UPSTREAM_METADATA(["a", "b"])%': _ENVOYS,
    "%FILTER_STATE(a:FIELD:b):3%": _ENVOYS,
    "%PER_REQUEST_STATE(a)%": _ENVOYS,
    "%XFCC_VALUE(uri)%": _ENVOYS,
    "%UPSTREAM_TLS_SESSION_ID%": "must not use an operator that shows what is between the two ends of a connection: ",
    "%CEL(request.path)%": _OTHERS,
    "%TYPED_CEL(request.path)%": _OTHERS,
    '%COALESCE({"operators": [{"command": "ENVIRONMENT", "param": "HOME"}]})%': _OTHERS,
}
"""What Envoy may know, and texts of people must not use; and how what is said of it begins."""

STRICTER = {
    "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(a)%": "has an operator that has a wrong parameter: ",
    "%RESPONSE_CODE_DETAILS(a)%": "has an operator that has a wrong parameter: ",
    "%QUERY_PARAM(%ENVIRONMENT)%": "has an operator that has a wrong parameter: ",
}
"""Parameters that Envoy takes and that mean nothing; and how what is said of them begins."""
