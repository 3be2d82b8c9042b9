"""Listener: a port that is open, and which Hosts are served there."""

from collections.abc import Iterable
from dataclasses import field
from typing import ClassVar, Final, Literal

from translator.checks import Count, PlainText, Port
from translator.decode import Problem, Validation, rule
from translator.kubernetes.selectors import LabelSelector
from translator.values import dataclass

NOTHING_BINDS: Final = "must have a namespace, a selector with matchLabels or matchExpressions, or both"

Layer = Literal["HTTP", "PROXY", "TLS", "TCP", "UDP"]

STACKS: dict[str, tuple[Layer, ...]] = {
    "HTTP": ("HTTP", "TCP"),
    "HTTPS": ("TLS", "HTTP", "TCP"),
    "HTTPPROXY": ("PROXY", "HTTP", "TCP"),
    "HTTPSPROXY": ("TLS", "PROXY", "HTTP", "TCP"),
    "TCP": ("TCP",),
    "TLS": ("TLS", "TCP"),
    "UDP": ("UDP",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceFrom:
    """Whose Hosts, by namespace. `from` is the name in JSON."""

    source: Literal["ALL", "SELF", "SELECTOR"] = field(
        default="SELF",
        metadata=rule("ALL, or SELF for the Listener's own namespace; SELECTOR is not served.", name="from"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBinding:
    """Which Hosts are served at a Listener; where both are given, both must be met."""

    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            "has(self.__namespace__)"
            " || has(self.selector) && (has(self.selector.matchLabels) || has(self.selector.matchExpressions))",
            NOTHING_BINDS,
        ),
    )

    namespace: NamespaceFrom | None = field(default=None, metadata=rule("By their namespace."))
    selector: LabelSelector | None = field(default=None, metadata=rule("By their labels."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSpec:
    """A port that is open."""

    SILENT: ClassVar[frozenset[str]] = frozenset()
    VALIDATIONS: ClassVar[tuple[Validation, ...]] = (
        Validation(
            "has(self.protocol) || has(self.protocolStack) && self.protocolStack.size() > 0",
            "protocol is required, unless there is a protocolStack",
        ),
        Validation(
            "!has(self.protocolStack) || self.protocolStack.size() == 0"
            " || self.protocolStack[self.protocolStack.size() - 1] in ['TCP', 'UDP']",
            "protocolStack must end with TCP, or with UDP for HTTP/3",
        ),
        Validation(
            "!has(self.protocolStack)"
            " || self.protocolStack.all(one, self.protocolStack.exists_one(other, other == one))",
            "protocolStack must not name a layer twice",
        ),
    )

    port: Port = field(metadata=rule("The port."))
    protocol: Literal["HTTP", "HTTPS", "HTTPPROXY", "HTTPSPROXY", "TCP", "TLS", "UDP"] | None = field(
        default=None, metadata=rule("What is spoken; or give protocolStack.")
    )
    protocol_stack: tuple[Layer, ...] | None = field(
        default=None,
        metadata=rule(
            name="protocolStack",
            doc="What is spoken, layer by layer; the last is TCP, or UDP for HTTP/3: TLS, HTTP, UDP.",
            max_size=5,
        ),
    )
    security_model: Literal["XFP", "SECURE", "INSECURE"] = field(
        metadata=rule(
            name="securityModel", doc="How a request is known to be secure: by x-forwarded-proto, always, or never."
        )
    )
    host_binding: HostBinding = field(metadata=rule(name="hostBinding", doc="Which Hosts are served."))
    stats_prefix: PlainText | None = field(
        default=None, metadata=rule(name="statsPrefix", doc="The beginning of the names of its statistics.", min_size=1)
    )
    l7_depth: Count = field(
        default=0,
        metadata=rule(name="l7Depth", doc="How many proxies are in front; what they say of requests is believed."),
    )
    http2_max_concurrent_streams: int | None = field(
        default=None,
        metadata=rule(
            name="http2MaxConcurrentStreams",
            doc="Streams at once, for each connection.",
            minimum=1,
            maximum=2_147_483_647,
        ),
    )

    @property
    def quic(self) -> bool:
        """Whether it is HTTP/3 that is spoken."""
        return self.stack[-1] == "UDP"

    @property
    def stack(self) -> tuple[Layer, ...]:
        """The layers that are spoken."""
        return self.protocol_stack or STACKS[self.protocol or "TCP"]

    def cross_check(self) -> Iterable[Problem]:
        """The layers must make sense together."""
        if self.protocol is None and not self.protocol_stack:
            yield Problem("protocol", "is required, unless there is a protocolStack")
            return
        if self.protocol and self.protocol_stack:
            yield Problem("protocol", "has no effect beside protocolStack", stops=False)
        where = "protocolStack" if self.protocol_stack else "protocol"
        if "UDP" in self.stack:
            if set(self.stack) != {"TLS", "HTTP", "UDP"} or self.stack[-1] != "UDP" or len(self.stack) != 3:
                yield Problem(where, "with UDP must be TLS, HTTP, UDP, in a protocolStack, which is HTTP/3")
        elif self.stack[-1] != "TCP":
            yield Problem(where, "must end with TCP")
        elif len(set(self.stack)) < len(self.stack):
            yield Problem(where, "must not name a layer twice")
        yield from self._binding_problems()

    def _binding_problems(self) -> Iterable[Problem]:
        binding = self.host_binding
        if binding.namespace is None and (binding.selector is None or binding.selector.is_empty):
            yield Problem("hostBinding", NOTHING_BINDS)
        if binding.namespace is not None and binding.namespace.source == "SELECTOR":
            yield Problem(
                "hostBinding.namespace.from",
                "SELECTOR is not served, since Namespaces are not watched: use ALL or SELF",
            )
