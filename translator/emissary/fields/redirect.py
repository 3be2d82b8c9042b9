"""`host_redirect`: send the client elsewhere. `service` then names the host to go to, and no backend is made."""

from typing import Literal

from translator import ir
from translator.decode import Problem
from translator.emissary.fields.rewrite import RegexSubstitution
from translator.emissary.service_names import parse
from translator.values import dataclass

Code = Literal[301, 302, 303, 307, 308]


@dataclass(frozen=True, slots=True)
class Paths:
    """What becomes of the path; the first that is given counts."""

    path: str | None = None
    prefix: str | None = None
    regex: RegexSubstitution | None = None

    def problems(self, *, redirects: bool) -> list[Problem]:
        """What a person may have meant otherwise. Nothing here stops a Mapping."""
        given = [
            name
            for name, value in (
                ("path_redirect", self.path),
                ("prefix_redirect", self.prefix),
                ("regex_redirect", self.regex),
            )
            if value is not None
        ]
        if not redirects:
            return [Problem(name, "has no effect without host_redirect", stops=False) for name in given]
        return [Problem(name, f"has no effect beside {given[0]}, which is used", stops=False) for name in given[1:]]

    def rewrite(self) -> ir.Rewrite | None:
        """The same in the IR."""
        if self.path is not None:
            return ir.Rewrite("whole", self.path)
        if self.prefix is not None:
            return ir.Rewrite("matched", self.prefix)
        return self.regex.rewrite() if self.regex else None


def redirect_of(service: str, paths: Paths, code: Code) -> ir.Redirect:
    """Where the client is sent.

    Raises:
        Invalid: when `service` is not `[scheme://]host[:port]`.
    """
    target = parse(service)
    host = f"[{target.host}]" if ":" in target.host else target.host
    return ir.Redirect(target.scheme, host, target.port, paths.rewrite(), code)
