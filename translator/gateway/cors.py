"""The filter CORS in the words of the IR. Pure."""

import re
from typing import Final

from translator.filters.cors import CrossOrigin, Origin, origin_of
from translator.gateway.kinds.filters import Cors

_ANY_HOST: Final = re.compile(r"([a-z][a-z0-9+.-]*://)\*(:[0-9]{1,5})?")


def cross_origin_of(cors: Cors) -> CrossOrigin:
    """Which pages of other sites may read answers."""
    origins = [found for text in cors.allow_origins if (found := _origin(text))]
    return CrossOrigin(
        tuple(origins),
        cors.allow_methods,
        cors.allow_headers,
        cors.expose_headers,
        credentials=cors.allow_credentials,
        max_age=str(cors.max_age),
        answers_strangers=True,
    )


def _origin(text: str) -> Origin | None:
    every = _ANY_HOST.fullmatch(text.lower())
    return Origin(every[2] or "", subdomains_of=every[1]) if every else origin_of(text)
