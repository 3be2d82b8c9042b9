"""Certificates: what their times and names say."""

import base64
import datetime as dt

import pytest

from tests.lint.linting import an_object, lint_texts
from tests.support.certificates import authority

PAIR = authority().sign("a.example.com", "*.b.example.com")
"""For a month."""


def secret(field: str = "data") -> str:
    texts = {"tls.crt": PAIR.certificate.decode(), "tls.key": PAIR.key.decode()}
    if field == "data":
        texts = {name: base64.b64encode(text.encode()).decode() for name, text in texts.items()}
    entries = "".join(
        f"  {name}: |\n    {text.strip().replace(chr(10), chr(10) + '    ')}\n" for name, text in texts.items()
    )
    head = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/tls\n"
    return f"{head}{field}:\n{entries}"


@pytest.mark.parametrize("field", ["data", "stringData"])
@pytest.mark.parametrize(
    ("days", "code", "severity"),
    [(-3, "DRG0611", "error"), (5, "DRG0612", "warning"), (60, "DRG0611", "error"), (-40, "DRG0611", "error")],
)
def test_the_time_of_a_certificate_counts(field: str, days: int, code: str, severity: str) -> None:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
    found = lint_texts(secret(field), now=now)
    assert [(each.code.id, each.severity, each.place.line) for each in found] == [(code, severity, 6)]


@pytest.mark.parametrize(
    ("hostname", "fits"),
    [
        ("a.example.com", True),
        ("A.example.com", True),
        ("a.example.com:8443", True),
        ("c.b.example.com", True),
        ("*.b.example.com", True),
        ("b.example.com", False),
        ("d.c.b.example.com", False),
        ("other.example.com", False),
        ("'*'", True),
    ],
)
def test_a_host_is_told_of_a_certificate_for_other_names(hostname: str, *, fits: bool) -> None:
    host = an_object("Host", "a", f"{{hostname: {hostname}, tlsSecret: {{name: a}}}}")
    found = [each for each in lint_texts(secret() + host) if each.code.id == "DRG0613"]
    assert bool(found) is not fits
    assert all(each.path == "spec.tlsSecret" for each in found)


def test_a_secret_that_is_no_certificate_is_let_be() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringData: {password: x}\n"
    assert lint_texts(text) == []
