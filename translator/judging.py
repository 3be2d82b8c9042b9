"""What is wrong with objects, and nothing that is made of them: for who checks a folder without serving it.

The rules are those of the gateway, table by table (`translator.apis`); only the last step, Envoy's resources, is left
out, which is half of the cost. Secrets are seldom kept beside what names them, so `stand_in` may give a certificate for
those that are not there: who names one is told so, and is judged further as if it were there.
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from translator import ir
from translator.ambassador_ids import is_for
from translator.apis import SECRETS, Apis
from translator.carriers import Carriers
from translator.decode import Problem
from translator.emissary.grouping import GroupKey
from translator.emissary.mappings import Member
from translator.files.names import Files
from translator.ir import ObjectKey
from translator.options import Options
from translator.tables import Failure, Tables
from translator.unserved import for_another
from translator.values import dataclass
from translator.variables import filled_in

GROUPS = ("getambassador.io/",)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is known of some objects.

    Args:
        objects: those that count for this gateway and are read, carried ones among them, by key.
        carriers: of the carried ones, who carries them.
        problems: of each object that has some; of files that objects name, too.
        groups: the Mappings that ask for the same requests, by group.
        routes: by the name of a virtual host, its routes in the order in which Envoy asks them, but for our own.
        failures: what of ours failed; what it would have found is missing.
    """

    objects: Mapping[ObjectKey, bytes]
    carriers: Mapping[ObjectKey, ObjectKey]
    problems: Mapping[ObjectKey, tuple[Problem, ...]]
    groups: Mapping[GroupKey, Mapping[ObjectKey, Member]]
    routes: Mapping[str, tuple[ir.Route, ...]]
    failures: tuple[Failure, ...]


def judge(
    objects: Mapping[ObjectKey, bytes],
    options: Options,
    read_files: Callable[[Files], bytes],
    stand_in: Callable[[str, str], bytes] | None = None,
    step: Callable[[], None] = lambda: None,
) -> Judgement:
    """Judge these objects.

    Args:
        objects: their bodies, by key.
        options: as for a translation.
        read_files: gives what is in files that objects name, as the watcher would write it.
        stand_in: gives the body of a Secret in place of one that is named and not there, by namespace and name.
        step: is called often while work goes on.
    """
    carriers, tables = Carriers(), Tables(step)
    apis = Apis(tables, options)
    effective = {key: _filled(key, body, options) for key, body in carriers.take(objects).items() if body is not None}
    failures = list(tables.sweep(_changes(apis, effective)).failures)
    contents = {files.key: read_files(files) for files in apis.files_wanted()}
    if contents:
        failures += tables.sweep(_changes(apis, contents)).failures
    absent: dict[ObjectKey, tuple[Problem, ...]] = {}
    if stand_in is not None:
        missed = {f"{SECRETS}{space}/{name}": (space, name) for space, name in apis.kubernetes.certificates_missed()}
        instead = {key: stand_in(*names) for key, names in missed.items() if key not in effective}
        if instead:
            absent = _absent(apis.problems(apis.judged()))
            failures += tables.sweep(_changes(apis, instead)).failures
    problems = apis.problems(apis.judged() | absent.keys())
    for key, those in absent.items():
        problems[key] = (*(each for each in those if each not in problems[key]), *problems[key])
    ours: dict[ObjectKey, bytes] = {}
    for key, body in effective.items():
        if not _is_ours(key, body, options):
            problems[key] = (*problems.get(key, ()), *_left_out(body, options))
        elif apis.serves(key):
            ours[key] = body
        elif (unknown := apis.unknown_kind(key)) is not None:
            problems[key] = (unknown,)
    return Judgement(
        ours,
        carriers.carried(),
        {key: those for key, those in problems.items() if those},
        apis.emissary.groups.view(),
        _routes(apis),
        tuple(failures),
    )


def _changes(apis: Apis, objects: Mapping[ObjectKey, bytes]) -> dict[Any, dict[ObjectKey, Any]]:
    return apis.changes(dict(objects))


def _filled(key: ObjectKey, body: bytes, options: Options) -> bytes:
    return filled_in(body, options.environment) if key.startswith(GROUPS) else body


def _absent(problems: Mapping[ObjectKey, tuple[Problem, ...]]) -> dict[ObjectKey, tuple[Problem, ...]]:
    found = {key: tuple([one for one in those if one.sort == "Absent"]) for key, those in problems.items()}
    return {key: those for key, those in found.items() if those}


def _is_ours(key: ObjectKey, body: bytes, options: Options) -> bool:
    """Whether an object is for this gateway; what is of no gateway's is for all."""
    if not key.startswith(GROUPS):
        return True
    if b"mbassador" not in body.partition(b'"spec":')[2]:  # most name no gateway
        return is_for({}, options.ambassador_id)
    return is_for(orjson.loads(body).get("spec"), options.ambassador_id)


def _left_out(body: bytes, options: Options) -> tuple[Problem, ...]:
    """What is said of an object of a folder that is for another gateway."""
    told = None if options.in_cluster else for_another(body, options.ambassador_id)
    return () if told is None else (told,)


def _routes(apis: Apis) -> dict[str, tuple[ir.Route, ...]]:
    found: dict[str, list[ir.Route]] = {}
    names = apis.emissary.hosts_of.view()
    for group, routes in apis.emissary.routes.view().items():
        for name in names.get(group, ()):
            found.setdefault(name, []).extend(route for route in routes if route.origins)
    return {name: tuple(sorted(routes, key=lambda route: route.order)) for name, routes in found.items()}
