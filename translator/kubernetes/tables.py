"""The tables of the core kinds: from the bytes of objects to Services, their endpoints and certificates."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from translator.decode import Problem
from translator.ir import AuthorityRef, ConfigMaps, ObjectKey, PemFiles, SecretRef
from translator.kubernetes.config_map import authorities_of, together
from translator.kubernetes.endpoint_slice import EndpointSlice, endpoint_slice_of
from translator.kubernetes.endpoints import slices_of
from translator.kubernetes.passwords import PasswordFile, passwords_of
from translator.kubernetes.secret import Certificate, certificate_of, refused_with
from translator.kubernetes.service import Service, service_of
from translator.remembering import shared
from translator.tables import Table, Tables, read

Name = tuple[str, str]
"""A namespace and a name."""


def name_of(key: ObjectKey) -> Name:
    """The namespace and name in an object key. Namespaces are few: they are in memory once."""
    _, _, namespace, name = key.split("/", 3)
    return shared(namespace), name


class KubernetesTables:
    """Services and certificates by namespace and name, the namespaces with Services, and the EndpointSlices of each.

    `sources` are the tables to fill, by `<group>/<Kind>`; `problems` what is wrong with the objects, by object key.
    `refusals` and `refusals_of_cas` are to be filled too: what Envoy said of Secrets and ConfigMaps that it refused.
    `made` are Secrets that are no objects, and count before those that are; `of_files` says what files hold.
    """

    def __init__(
        self,
        tables: Tables,
        made: Table[ObjectKey, Certificate],
        of_files: Callable[[PemFiles], Certificate | None],
    ) -> None:
        services: Table[ObjectKey, bytes] = tables.source("service objects")
        slices: Table[ObjectKey, bytes] = tables.source("endpoint slice objects")
        endpoints: Table[ObjectKey, bytes] = tables.source("endpoints objects")
        secrets: Table[ObjectKey, bytes] = tables.source("secret objects")
        config_maps: Table[ObjectKey, bytes] = tables.source("config map objects")
        self.sources: Mapping[str, Table[ObjectKey, bytes]] = {
            "core/Service": services,
            "discovery.k8s.io/EndpointSlice": slices,
            "core/Endpoints": endpoints,
            "core/Secret": secrets,
            "core/ConfigMap": config_maps,
        }

        read_services = tables.each("services or problems", services, _read_service)
        self.services: Table[Name, Service] = _by_name(tables, "services", read_services, Service)

        namespaces = tables.group("services by namespace", self.services, lambda name, _: {name[0]: True})
        self.service_namespaces: Table[str, bool] = tables.each(
            "namespaces of services", namespaces, lambda _, __: True
        )

        read_slices = tables.each("endpoint slices or problems", slices, _read_slice)
        read_endpoints = tables.each("endpoints or problems", endpoints, _read_endpoints)
        subsets = tables.group("subsets of endpoints", read_endpoints, _subsets_of)
        subset = tables.each("slices of endpoints", subsets, lambda _, them: next(iter(them.values())))
        self.slices: Table[Name, Mapping[ObjectKey, EndpointSlice]] = tables.group(
            "endpoint slices by service",
            tables.union("endpoint slices and endpoints", read_slices, subset),
            lambda _, row: {(row.namespace, row.service): row} if isinstance(row, EndpointSlice) else {},
        )

        read_secrets = tables.each("certificates by object", secrets, _read_secret)
        self.refusals: Table[ObjectKey, str] = tables.source("refusals of secrets")
        refused = tables.each(
            "certificates refused",
            self.refusals,
            lambda key, said: refused_with(read(read_secrets, key), said),
        )
        told = tables.union("certificates by object with refusals", made, refused, read_secrets)
        self._of_files = of_files
        self._certificates: Table[Name, Certificate] = _by_name(tables, "certificates", told, Certificate)

        self._passwords = tables.each("password files", secrets, lambda _, body: passwords_of(orjson.loads(body)))

        read_cas = tables.each("CAs of config maps", config_maps, lambda _, body: authorities_of(orjson.loads(body)))
        self.refusals_of_cas: Table[ObjectKey, str] = tables.source("refusals of config maps")
        refused_cas = tables.each(
            "CAs refused", self.refusals_of_cas, lambda key, said: refused_with(read(read_cas, key), said)
        )
        told_cas = tables.union("CAs of config maps with refusals", refused_cas, read_cas)
        self._authorities: Table[Name, Certificate] = _by_name(tables, "CAs", told_cas, Certificate)
        self.problems: tuple[Table[ObjectKey, tuple[Problem, ...]], ...] = (
            tables.each("service problems", read_services, _problem_of),
            tables.each("endpoint slice problems", read_slices, _problem_of),
            tables.each("endpoints problems", read_endpoints, _problem_of_endpoints),
            tables.each("secret problems", read_secrets, _problem_of_certificate),
            tables.each("config map problems", read_cas, lambda _, row: row.misshapen or None),
        )

    def port_number(self, namespace: str, service: str, port: str) -> int | None:
        """The number of a port of a Service, by its name; for rules that a sweep runs."""
        found = read(self.services, (namespace, service))
        named = found.port(port) if found is not None else None
        return None if named is None else named.number

    def certificate(self, wanted: AuthorityRef) -> Certificate | None:
        """What a Secret or files hold for TLS; for rules that a sweep runs."""
        if isinstance(wanted, PemFiles):
            return self._of_files(wanted)
        if isinstance(wanted, ConfigMaps):
            return together([read(self._authorities, name) for name in wanted.names])
        return read(self._certificates, (wanted.namespace, wanted.name))

    def passwords(self, secret: SecretRef) -> PasswordFile | None:
        """The file of passwords that a Secret holds; for rules that a sweep runs."""
        return read(self._passwords, f"core/Secret/{secret.namespace}/{secret.name}")

    def certificates_missed(self) -> frozenset[Name]:
        """The Secrets that somebody names and that are not there, or hold no certificate; for outputs."""
        return self._certificates.missed()


def _by_name(tables: Tables, name: str, parent: Table[ObjectKey, Any], kind: type[Any]) -> Table[Name, Any]:
    grouped = tables.group(
        f"{name} with their objects", parent, lambda key, row: {name_of(key): row} if isinstance(row, kind) else {}
    )
    return tables.each(name, grouped, lambda _, members: members[min(members)])


def _read_service(key: ObjectKey, body: bytes) -> Service | tuple[Problem, ...]:
    return service_of(*name_of(key), orjson.loads(body))


def _read_slice(key: ObjectKey, body: bytes) -> EndpointSlice | tuple[Problem, ...]:
    return endpoint_slice_of(name_of(key)[0], orjson.loads(body))


def _read_endpoints(key: ObjectKey, body: bytes) -> tuple[object, ...]:
    return slices_of(*name_of(key), orjson.loads(body))


def _subsets_of(key: ObjectKey, row: tuple[object, ...]) -> dict[ObjectKey, EndpointSlice]:
    return {f"{key}#{number}": each for number, each in enumerate(row) if isinstance(each, EndpointSlice)}


def _problem_of_endpoints(_: ObjectKey, row: tuple[object, ...]) -> tuple[Problem, ...] | None:
    return tuple([each for each in row if isinstance(each, Problem)]) or None


def _read_secret(_: ObjectKey, body: bytes) -> Certificate | None:
    return certificate_of(orjson.loads(body))


def _problem_of(_: ObjectKey, row: object) -> tuple[Problem, ...] | None:
    return row if isinstance(row, tuple) else None


def _problem_of_certificate(_: ObjectKey, row: Certificate) -> tuple[Problem, ...] | None:
    if row.misshapen:
        return row.misshapen
    said = row.problem or row.unfit or row.remark
    if said is None:
        return None
    path, _, message = said.partition(": ")
    return (Problem(path, message, stops=row.problem is not None),)
