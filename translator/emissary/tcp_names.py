"""Whose name it is in TLS, where Hosts and TCPMappings meet at one Listener.

A TCPMapping for a name gets all its connections, whatever Mappings there are. So a name that a Host has there is for
TCPMappings of the Host's own namespace alone: whoever may not write there takes nothing from those who may. A narrower
name than a Host's glob is the Host's too, until a Host has exactly that name, as of every other request.
"""

from collections.abc import Mapping

from translator import ir
from translator.decode import Problem
from translator.emissary.association import globs_of
from translator.emissary.chains import Claim, chain_name
from translator.emissary.hostnames import wider
from translator.emissary.hosts import Hosts, ServedHost
from translator.emissary.names import HostNames
from translator.emissary.problems import ProblemsByObject
from translator.ir import ObjectKey
from translator.tables import Table, read


def owner_of(
    listener: str, server: str, hosts: Hosts, claims: Table[str, Mapping[ObjectKey, Claim]]
) -> ServedHost | None:
    """The Host that has a name in TLS at a Listener: the one of exactly that name, else of the narrowest glob for it.

    The Host that is made up where there is none owns nothing.
    """
    for name in (*globs_of(server), "*"):
        found = read(claims, chain_name(listener, name)) or {}
        declared = [key for key in sorted(found) if found[key].by_tls and read(hosts.declared, key) is not None]
        if declared:
            return found[declared[0]].host
    return None


def refusals(server: str, listener: str, owner: ServedHost, strangers: Mapping[ObjectKey, str]) -> ProblemsByObject:
    """What is said to TCPMappings that may not have a name, and to the Host that keeps it.

    Args:
        server: the name.
        listener: where.
        owner: the Host.
        strangers: the TCPMappings by their keys, each as people call it.
    """
    host = f"Host {owner.virtual_host} ({owner.hostname})"
    said = f"{server} belongs to {host} at Listener {listener}, and so to no TCPMapping of another namespace"
    if owner.hostname != server:
        said += f": it takes a Host {server} of one's own"
    others = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    wanted = f"{strangers[min(strangers)]}{others}"
    kept = f"keeps {server} at Listener {listener}, which {wanted} of another namespace cannot have"
    told: dict[ObjectKey, tuple[Problem, ...]] = dict.fromkeys(
        strangers, (Problem("spec.host", said, reason="Conflict"),)
    )
    return {**told, owner.key: (Problem("spec.hostname", kept, stops=False, reason="Conflict"),)}


def chains_above(chain: ir.FilterChain | None) -> dict[str, tuple[ObjectKey, str]]:
    """The chains in TLS with wider names than that of a TCPMapping's chain, each with who has the name, and it."""
    if chain is None:
        return {}
    (server,), first = chain.server_names, chain.origins[0]
    return {chain_name(chain.listener, name): (first, server) for name in wider(server)}


def below_which(stopped: HostNames) -> Problem:
    """What is said to a TCPMapping for a glob, which would get the connections of a Host that is stopped."""
    said = f"would get what is for Host {stopped.virtual_host} ({', '.join(stopped.hostnames)}), which is stopped"
    return Problem("spec.host", said, reason="Conflict")
