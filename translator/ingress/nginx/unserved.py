"""What is not served: nginx's own configuration above all, which is never run.

A snippet that may keep people out shuts the Ingress, since what it would have refused is not known.
"""

import re
from typing import Final

from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

SNIPPETS: Final = ("configuration-snippet", "server-snippet", "stream-snippet", "auth-snippet", "modsecurity-snippet")
_REFUSING: Final = re.compile(
    r"\b(?:allow|auth|deny|error_page|include|internal|js_|limit|modsecurity(?!\s+off)|perl|return|satisfy|secure|valid)"
    r"|_by_lua|\bssl_(?:client|verify)|\bSec(?:Action|Rule(?!Remove|Update|Engine\s+(?:Off|DetectionOnly)))"
)
_SNIPPET: Final = "snippets are never run: annotations, a Mapping or an HTTPRoute say what is meant"
_NONE: Final = "there is no ModSecurity"
_COOKIES: Final = "an HTTPRoute's ResponseHeaderModifier edits headers"


def _read(said: Said, treatment: Treatment) -> Treatment:
    for name in SNIPPETS:
        if _REFUSING.search(said.text(name)):
            what = f"may keep people out, and is not served: {_SNIPPET}"
            said.tell(name, what, shuts=True, whole_hosts=name == "server-snippet")
    if said.flag("enable-modsecurity"):
        said.tell("enable-modsecurity", f"is not served: {_NONE}", shuts=True)
    return treatment


GROUP: Final = Group(
    (
        *(Annotation(name, instead=_SNIPPET) for name in SNIPPETS),
        Annotation(
            "custom-headers",
            instead="ConfigMaps are not read: the service says such headers, or an HTTPRoute's ResponseHeaderModifier",
        ),
        *(
            Annotation(name, instead=_COOKIES)
            for name in ("proxy-cookie-domain", "proxy-cookie-path", "proxy-redirect-from", "proxy-redirect-to")
        ),
        Annotation("connection-proxy-header", instead="WebSockets are passed on without a word"),
        Annotation("ssl-ciphers", instead="a TLSContext says ciphers"),
        Annotation("ssl-prefer-server-ciphers", instead="a TLSContext says ciphers"),
        Annotation("enable-access-log", instead="the Module says what is logged"),
        Annotation("enable-rewrite-log", instead="the Module says what is logged"),
        *(
            Annotation(name, instead="a TracingService says what is traced")
            for name in ("enable-opentelemetry", "opentelemetry-trust-incoming-span", "opentelemetry-operation-name")
        ),
        *(
            Annotation(name, instead=_NONE)
            for name in ("enable-modsecurity", "enable-owasp-core-rules", "modsecurity-transaction-id")
        ),
        Annotation("http2-push-preload", instead="no browser takes pushed answers any more"),
        Annotation("denylist-response-code", instead="it is 403"),
        Annotation("use-port-in-redirects", instead="redirects keep the port that was asked for"),
    ),
    _read,
)
