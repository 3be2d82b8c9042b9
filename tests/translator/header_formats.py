"""Formats of headers: good ones, and wrong ones with what is said of them."""

from __future__ import annotations

GOOD_FORMATS = [
    "plain",
    "100%%",
    "%%PROTOCOL%%",
    "%DOWNSTREAM_REMOTE_ADDRESS%",
    "a %REQ(x-a)% b %RESP(x-b?:status):10%%%",
    "%START_TIME(%Y-%m-%dT%H:%M:%S.%3fZ)%",
    '%DYNAMIC_METADATA(["a", "b"])%',
    "%FILTER_STATE(a:FIELD:b):3%",
    "%METADATA(ROUTE:a:b)%",
    "%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ms)%",
    "%PATH(WQ:ORIG)%%QUERY_PARAMS%%QUERY_PARAM(a)%",
    "%GRPC_STATUS(NUMBER)%",
    "%METADATA(ROUTE:a)%",
    "%LISTENER_NAME%",
    "%CEL(request.path)%",
    '%COALESCE({"operators": ["PROTOCOL"]})%',
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
    "%FILTER_STATE(a:X)%": "has an operator that has a wrong parameter: '%FILTER_STATE(a:X)%'",
    "%REQ(X):-1%": "has a '%' that begins no operator, at '%REQ(X):-1%'; a percent sign is '%%'",
    "%METADATA(NOWHERE:a)%": "has an operator that has a wrong parameter: '%METADATA(NOWHERE:a)%'",
    "%FILTER_STATE(a:FIELD)%": "has an operator that has a wrong parameter: '%FILTER_STATE(a:FIELD)%'",
    "%COMMON_DURATION(a:b:s)%": "has an operator that has a wrong parameter: '%COMMON_DURATION(a:b:s)%'",
    "%GRPC_STATUS(X)%": "has an operator that has a wrong parameter: '%GRPC_STATUS(X)%'",
}
