"""The ports that Listeners, TCPMappings and our own processes have: what other APIs must leave alone.

It is said by protocol and number and in words, so that who asks need not know any of these.
"""

from typing import Final

from translator.emissary.listeners import OpenPort
from translator.emissary.own_ports import OwnPorts, overlap
from translator.ir.ports import Port, tcp
from translator.options import Options
from translator.tables import Table, Tables

_TCP_MAPPING: Final = "getambassador.io/TCPMapping/"


def taken_ports(
    tables: Tables, ports: Table[str, OpenPort], shut: Table[int, str], own: OwnPorts, options: Options
) -> Table[Port, str]:
    """Who has a port, for people.

    Args:
        tables: to declare it in.
        ports: that are open.
        shut: the Listeners that are stopped, by their ports of TCP.
        own: the ports of our processes.
        options: where ports are opened, and what our own ones are for.
    """
    addresses = (options.bind_address, *options.more_addresses)
    opened = tables.group(
        "open ports by number",
        ports,
        lambda _, row: {_port_of(row): _called(row)} if any(overlap(row.address, each) for each in addresses) else {},
    )
    stopped = tables.group("ports of stopped listeners by number", shut, lambda number, name: {tcp(number): name})
    reserved = {
        tcp(each.number): f"Dragoman's own {each.purpose}"
        for each in options.own_ports
        if any(own.conflict(address, each.number) for address in addresses)
    }
    return tables.union(
        "ports that are taken",
        tables.constant("ports of our own", reserved),
        tables.each("ports that are open", opened, lambda _, them: min(them.values())),
        tables.each(
            "ports of stopped listeners by owner",
            stopped,
            lambda _, them: f"Listener {min(them.values())}, which is stopped",
        ),
    )


def _called(row: OpenPort) -> str:
    """Who opens a port: a Listener, or the first of the TCPMappings that do."""
    first = min(row.origins, default="")
    return f"TCPMapping {first.removeprefix(_TCP_MAPPING)}" if first.startswith(_TCP_MAPPING) else row.called


def _port_of(row: OpenPort) -> Port:
    return ("UDP" if row.quic else "TCP"), row.port
