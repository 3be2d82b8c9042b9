"""`add_linkerd_headers`: a request tells Linkerd's proxy which service it is for."""

from typing import Final

from translator import ir

NAME: Final = "l5d-dst-override"


def linkerd_header(host: str, port: int) -> ir.HeaderValue:
    """The header, in place of one that a client wrote, who would choose the service by it."""
    return ir.HeaderValue(NAME, f"[{host}]:{port}" if ":" in host else f"{host}:{port}", append=False)


def with_linkerd(edits: ir.HeaderEdits, header: ir.HeaderValue) -> ir.HeaderEdits:
    """The edits with the header; what a Mapping itself says of it counts."""
    said = {each.name.lower() for each in edits.add_request} | {name.lower() for name in edits.remove_request}
    if NAME in said:
        return edits
    return ir.HeaderEdits((*edits.add_request, header), edits.remove_request, edits.add_response, edits.remove_response)
