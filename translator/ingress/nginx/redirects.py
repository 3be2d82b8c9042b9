"""Where clients are sent instead: to HTTPS, to a page, to another address, to the name with or without `www.`.

nginx answers these before it asks who may come in, and so do we.
"""

import re
from dataclasses import replace
from typing import Final, Literal, cast

from translator import ir
from translator.checks import header_text
from translator.decode import Invalid
from translator.ingress.nginx.part import Annotation, Group, Said
from translator.ingress.nginx.treatment import Treatment

Code = Literal[301, 302, 303, 307, 308]

_CODES: Final = frozenset({301, 302, 303, 307, 308})
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?(?P<path>/[!-~]*)?",
    re.IGNORECASE,
)
_AS_ASKED: Final = "$request_uri"
_LARGEST_PORT: Final = 65_535
_PROOF: Final = "tests/e2e/test_ingress_nginx.py"


def redirect_to(text: str, code: Code) -> ir.Redirect:
    """A redirect to a URL, which may end in $request_uri: what was asked for.

    Raises:
        Invalid: when it is none.
    """
    fixed = text.removesuffix(_AS_ASKED)
    found = _URL.fullmatch(fixed)
    port = int(found["port"] or 0) if found else 0
    if found is None or port > _LARGEST_PORT or "$" in fixed:
        raise Invalid("must be a URL, whose only variable is $request_uri at its end")
    path = header_text(found["path"] or "/")
    if fixed == text:
        rewrite = ir.Rewrite("whole", path)
    elif path in {"/", ""}:
        rewrite = None
    else:
        raise Invalid("must have nothing between the host and $request_uri")
    return ir.Redirect(
        found["scheme"].lower(), found["host"].lower(), port or None, rewrite, code, strip_query=rewrite is not None
    )


def _read(said: Said, treatment: Treatment) -> Treatment:
    if said.flag("force-ssl-redirect"):
        treatment = replace(treatment, https="always")
    elif not said.flag("ssl-redirect", otherwise=True):
        treatment = replace(treatment, https="never")
    treatment = replace(treatment, other_name=said.flag("from-to-www-redirect"))
    if "app-root" in said:
        root = said.checked("app-root", _page)
        treatment = replace(treatment, root=root)
    for name, usual in (("permanent-redirect", 301), ("temporal-redirect", 302)):
        code = said.number(f"{name}-code", 300, 308) or usual
        if code not in _CODES:
            said.tell(f"{name}-code", f"must be one of {', '.join(map(str, sorted(_CODES)))}")
            code = usual
        if said.text(name):
            treatment = replace(treatment, redirect=_redirect(said, name, cast("Code", code)))
    return treatment


def _redirect(said: Said, name: str, code: Code) -> ir.Redirect | None:
    try:
        return redirect_to(said.text(name), code)
    except Invalid as invalid:
        said.tell(name, invalid.message, shuts=True)
        return None


def _page(text: str) -> str:
    if not text.startswith("/") or "$" in text:
        raise Invalid("must begin with a /, and holds no variables")
    return header_text(text)


GROUP: Final = Group(
    (
        Annotation(
            "ssl-redirect",
            "`false`: HTTP is served beside HTTPS. Else who asks in clear text is sent to HTTPS (308), where the"
            " Ingress has a certificate for the host",
            f"{_PROOF}::test_ssl_redirect",
        ),
        Annotation("force-ssl-redirect", "the same without a certificate", f"{_PROOF}::test_ssl_redirect"),
        Annotation(
            "app-root", "`/` is answered 302 to this page, by the Ingress that has `/`", f"{_PROOF}::test_redirects"
        ),
        Annotation(
            "permanent-redirect",
            "all is answered 301 to this URL; its only variable is `$request_uri`, at its end",
            f"{_PROOF}::test_redirects",
        ),
        Annotation("permanent-redirect-code", "another code", f"{_PROOF}::test_redirects"),
        Annotation("temporal-redirect", "the same with 302", f"{_PROOF}::test_redirects"),
        Annotation("temporal-redirect-code", "another code", f"{_PROOF}::test_redirects"),
        Annotation(
            "from-to-www-redirect",
            "the name with `www.`, or without, is sent to this one (308), unless an Ingress serves it",
            f"{_PROOF}::test_from_to_www",
        ),
        Annotation("preserve-trailing-slash", instead="nothing takes a slash away"),
        Annotation("relative-redirects", instead="redirects name the host"),
    ),
    _read,
)
