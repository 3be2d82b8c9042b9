"""How often one client may ask, by its address, as nginx counts it: each gateway by itself."""

from dataclasses import replace
from typing import Final

from translator.filters.client_rates import ClientRates, Rate
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

_MOST: Final = 1_000_000
_BURST: Final = 5
_SECONDS: Final = {"limit-rps": 1, "limit-rpm": 60}
_PROOF: Final = "tests/e2e/test_ingress_nginx.py::test_rates"
_AT_ONCE: Final = (
    "Envoy counts what is at once for a service (circuit_breakers), not for an address: limit-rps bounds what a client"
    " asks"
)
_OTHERS: Final = "a RateLimitService counts requests by a Mapping's labels; circuit_breakers bound what is at once"


def _read(said: Said, treatment: Treatment) -> Treatment:
    times = said.number("limit-burst-multiplier", 1, 1000) or _BURST
    # nginx lets one through, and as many at once as the burst has.
    rates = [
        Rate(number, seconds, number * times + 1)
        for name, seconds in _SECONDS.items()
        if (number := said.number(name, 0, _MOST))
    ]
    return replace(treatment, filters=(*treatment.filters, ClientRates(tuple(rates)))) if rates else treatment


GROUP: Final = Group(
    (
        Annotation("limit-rps", "requests a second of one address, for each path and gateway; more: 503", _PROOF),
        Annotation("limit-rpm", "the same for a minute", _PROOF),
        Annotation("limit-burst-multiplier", "how many times of them may come at once, else 5", _PROOF),
        Annotation("limit-connections", instead=_AT_ONCE),
        *(
            Annotation(name, instead=_OTHERS)
            for name in (
                *("limit-whitelist", "limit-allowlist", "limit-rate", "limit-rate-after"),
                *("global-rate-limit", "global-rate-limit-window", "global-rate-limit-key"),
                "global-rate-limit-ignored-cidrs",
            )
        ),
    ),
    _read,
)
