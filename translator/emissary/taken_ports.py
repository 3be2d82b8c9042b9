"""The ports of TCP that Listeners, TCPMappings and our own processes have: what other APIs must leave alone.

It is said by number and in words, so that who asks need not know any of these.
"""

from translator.emissary.listeners import OpenPort
from translator.emissary.own_ports import OwnPorts
from translator.options import Options
from translator.tables import Table, Tables


def taken_ports(
    tables: Tables, ports: Table[str, OpenPort], shut: Table[int, str], own: OwnPorts, options: Options
) -> Table[int, str]:
    """Who has a port, for people.

    Args:
        tables: to declare it in.
        ports: that are open.
        shut: the Listeners that are stopped, by their ports.
        own: the ports of our processes.
        options: where ports are opened, and what our own ones are for.
    """
    opened = tables.group("open ports by number", ports, lambda _, row: {} if row.quic else {row.port: row.called})
    addresses = (options.bind_address, *options.more_addresses)
    reserved = {
        each.number: f"Dragoman's own {each.purpose}"
        for each in options.own_ports
        if any(own.conflict(address, each.number) for address in addresses)
    }
    return tables.union(
        "ports that are taken",
        tables.constant("ports of our own", reserved),
        tables.each("ports that are open", opened, lambda _, them: min(them.values())),
        tables.each("ports of stopped listeners by owner", shut, lambda _, name: f"Listener {name}, which is stopped"),
    )
