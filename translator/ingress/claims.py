"""What an Ingress wants for itself, whatever others want: paths, hosts, and names in TLS. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from itertools import islice
from typing import Final, NamedTuple

from process.text import printable
from translator import ir
from translator.decode import Problem, few
from translator.ingress.hosts import Scheme, parent
from translator.ingress.kinds import Backend, Ingress
from translator.ingress.left import hosts_in
from translator.ingress.nginx import treatment_of, weight_of
from translator.ingress.nginx.treatment import ClientCertificates, Treatment
from translator.ingress.paths import EVERY, Asked, Place, asked_by, hosts_from, regex_problem, wrong_host, wrong_path
from translator.ingress.routes import Owner
from translator.ir import ObjectKey
from translator.values import dataclass

MOST_PATHS: Final = 5_000
"""Of one Ingress, with those of its aliases: some routes of Envoy each, for HTTP and for HTTPS."""


_LONGEST_HOST: Final = 253

UNREAD: Final = "spec"
"""Shuts an Ingress that cannot be read."""

MOST_SAID: Final = 8 * 2**20
"""Characters of an Ingress's annotations in all of its paths: what Envoy is told is some times as long."""


_TOO_MANY: Final = (
    f"would become more than {MOST_PATHS:,} paths, as many as are served: split it, or take fewer aliases; until then "
    "the first of them are answered 503, and so are the hosts of the others"
)
_NOT_SHUT: Final = "{}; but others may answer for {:,} more hosts, from {} on"
_TOO_MANY_NAMES: Final = Problem(
    "spec.tls", f"lists more than {MOST_PATHS:,} hosts: for the first of them alone its certificates are shown"
)


@dataclass(frozen=True, slots=True)
class Understood:
    """An Ingress with its annotations, and what is wrong with it whatever others do."""

    owner: Owner
    problems: tuple[Problem, ...]
    places: Mapping[Place, Asked] = field(default_factory=dict)
    """Of a canary: what it asks for, as each path of whom it is a canary of looks for it."""


class Wish(NamedTuple):
    """That an Ingress is there for a host, and whether it declares it itself."""

    declares: bool
    age: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Having:
    """Who wants a name in TLS. `secret` None: TLS is passed on."""

    age: tuple[str, str, str]
    key: ObjectKey
    secret: ir.SecretRef | None


@dataclass(frozen=True, slots=True)
class Client:
    """Who wants clients of a host to show certificates, and which."""

    age: tuple[str, str, str]
    key: ObjectKey
    wants: ClientCertificates


def understand(key: ObjectKey, ingress: Ingress) -> Understood | None:
    """An Ingress with its annotations; what is wrong is left out, and told."""
    treatment, problems = treatment_of(ingress.annotations)
    if ingress.spec is None and ingress.left is None:
        return Understood(Owner(key, ingress, treatment, ()), ())
    if ingress.spec is None:
        ingress = replace(ingress, spec=ingress.left)
        treatment = replace(treatment, shut=(*treatment.shut, UNREAD))
    found = list(problems)
    listed = tuple(islice(asked_by(ingress, treatment.aliases), MOST_PATHS + 1))
    if len(listed) > MOST_PATHS:
        hosts = hosts_from(ingress, treatment.aliases, listed[-1].where)
        found, listed = [*found, _too_many(hosts)], (*listed[:MOST_PATHS], *_rests(hosts))
        treatment = replace(treatment, shut=(*treatment.shut, "spec.rules"))
    if ingress.spec and sum(len(tls.hosts) for tls in ingress.spec.tls) > MOST_PATHS:
        found.append(_TOO_MANY_NAMES)
    if (said := _too_much_said(ingress, len(listed))) is not None:
        found, treatment = [*found, said], replace(treatment, shut=("annotations",))
    asked = tuple([each for one in listed for each in _checked(one, treatment, found)])
    places = {each.place: each for each in reversed(asked)} if treatment.canary is not None else {}
    return Understood(Owner(key, ingress, treatment, asked), few(dict.fromkeys(found)), places)


def _too_many(hosts: Sequence[str]) -> Problem:
    """What is said of an Ingress that asks for too much; these hosts have what is too much."""
    left = [host for host in hosts[MOST_PATHS:] if host != EVERY]
    said = _NOT_SHUT.format(_TOO_MANY, len(left), printable(left[0], _LONGEST_HOST)) if left else _TOO_MANY
    return Problem("spec", said)


def _rests(hosts: Iterable[str]) -> Iterator[Asked]:
    """All that no path wants of hosts: the first of them."""
    for number, host in enumerate(islice(hosts, MOST_PATHS), MOST_PATHS):
        yield Asked(Place(host, "rest", "/"), "/", number, "spec.rules", Backend())


def _checked(asked: Asked, treatment: Treatment, found: list[Problem]) -> Iterator[Asked]:
    """What an Ingress asks for, if it can be had; what is wrong with it is found."""
    is_rest = asked.place.kind == "rest"
    if (wrong := wrong_host(asked.place.host)) is not None:
        if not is_rest:  # which is told of the rule
            found.append(Problem(f"{asked.where.partition('.http')[0]}.host", wrong))
        for place, name in enumerate(hosts_in(asked.place.host)):
            number = asked.number + place * 2 * MOST_PATHS  # nobody else's
            yield replace(asked, place=asked.place._replace(host=name), number=number, is_shut=True)
        return
    wrong = None if is_rest else wrong_path(asked.text, as_regex=treatment.as_regex)
    if wrong is None and treatment.as_regex and not is_rest:
        wrong = regex_problem(asked)
        yield asked  # if it is wrong, it answers an error: its requests must not go elsewhere
    elif wrong is None:
        yield asked
    if wrong is not None:
        found.append(Problem(f"{asked.where}.path", wrong))


def _too_much_said(ingress: Ingress, paths: int) -> Problem | None:
    weight = weight_of(ingress.annotations)
    if weight * paths <= MOST_SAID:
        return None
    said = f"say {weight:,} characters for each of {paths:,} paths, which is too much: requests are answered 503"
    return Problem("metadata.annotations", f"{said} until it is split")


def claims_of(owner: Owner, *, as_canary: bool) -> dict[Place, tuple[str, str, str]]:
    """The places that an Ingress wants, with its age; a canary wants only to be that of others."""
    if (owner.treatment.canary is not None) != as_canary:
        return {}
    claims = {asked.place: owner.ingress.age for asked in owner.asked}
    others = {rest_of(other): _behind_all(owner.ingress.age) for _, other in other_names(owner)}
    return claims | {place: age for place, age in others.items() if place not in claims}


def _behind_all(age: tuple[str, str, str], times: int = 1) -> tuple[str, str, str]:
    """The age of who comes behind all that name a host in their rules, be they younger."""
    created, namespace, name = age
    return f"{'~' * times}{created}", namespace, name


def hosts_of(owner: Owner) -> dict[str, Wish]:
    """The hosts that routes of an Ingress are for, and whether it declares them itself."""
    if owner.treatment.canary is not None:
        return {}
    own, others = Wish(True, owner.ingress.age), Wish(False, owner.ingress.age)
    return {other: others for _, other in other_names(owner)} | {asked.place.host: own for asked in owner.asked}


def shut_by(owner: Owner) -> dict[tuple[str, str], bool]:
    """The hosts of which all Ingresses of the namespace are shut, since to nginx what is not served holds for all."""
    if not owner.treatment.shuts_hosts or owner.treatment.canary is not None:
        return {}
    return {(owner.ingress.namespace, asked.place.host): True for asked in owner.asked}


def clients_of(owner: Owner) -> dict[str, Client]:
    """The hosts whose clients an Ingress wants to show certificates. A connection must be for one to be asked."""
    wants = owner.treatment.client
    if wants is None or owner.treatment.canary is not None:
        return {}
    mine = Client(owner.ingress.age, owner.key, wants)
    return {asked.place.host: mine for asked in owner.asked if asked.place.host != EVERY}


def other_names(owner: Owner) -> Iterator[tuple[str, str]]:
    """The names of an Ingress, each with the one from which clients are sent there: with `www.` or without."""
    if not owner.treatment.other_name:
        return
    for host in dict.fromkeys(asked.place.host for asked in owner.asked):
        if host != EVERY and not host.startswith("*."):
            yield host, host.removeprefix("www.") if host.startswith("www.") else f"www.{host}"


def to_name(owner: Owner, other: str, host: str, scheme: Scheme) -> ir.Route:
    """The route that sends clients from one name to the other."""
    name = f"{owner.key.split('/', 2)[2]}#{scheme}/name/{other}"
    match = ir.RouteMatch(ir.PathMatch("prefix", "/"))
    place = (2, 0, 0, "rest", *owner.ingress.age, 0, 0, 0)
    return ir.Route(name, match, ir.Redirect(host=host, code=owner.treatment.https_code), place, origins=(owner.key,))


def certified(owner: Owner) -> dict[str, Having]:
    """The names in TLS that an Ingress wants.

    Those are the hosts that `tls` lists, where it lists none all of the rules; or all of them, whose TLS is
    passed on. Of hosts that it has no rule for it can say nothing: they may be another's, who has no certificate yet.
    """
    found: dict[str, Having] = {}
    spec = owner.ingress.spec
    if spec is None or owner.treatment.canary is not None:
        return found
    own = dict.fromkeys(asked.place.host for asked in owner.asked)
    age = owner.ingress.age
    ages = {parent(host): _behind_all(age) for host in own} | dict.fromkeys(own, age)
    if owner.treatment.passthrough and not owner.treatment.shut:
        return {host: Having(age, owner.key, None) for host in own if host != EVERY}
    left = own  # the second that lists no hosts says nothing new
    for tls in spec.tls:
        secret = ir.SecretRef(owner.ingress.namespace, tls.secret_name or "")
        hosts, left = (tls.hosts, left) if tls.hosts else (tuple(left), {})
        for host in hosts:
            if len(found) == MOST_PATHS:
                return found
            name = host.lower()
            if name and wrong_host(name) is None and (name in ages or EVERY in own):
                found.setdefault(name, Having(ages.get(name) or _behind_all(age, 2), owner.key, secret))
    return found


def has_certificate(names: Mapping[str, Having], host: str) -> bool:
    """Whether an Ingress that wants these names in TLS has a certificate for a host, be it that it cannot be used."""
    return any(names[name].secret is not None for name in (host, parent(host)) if name in names)


def oldest(
    them: Mapping[ObjectKey, Having],
) -> Having:
    """Whose a name in TLS is."""
    return min(them.values(), key=lambda row: (row.age, row.key))


def rest_of(host: str) -> Place:
    """All of a host that no path wants."""
    return Place(host, "rest", "/")


def behind(asked: Asked) -> str:
    """The step from what an Ingress asks for to its backend, in paths for people."""
    return "" if asked.place.kind == "rest" else ".backend"


def called(key: ObjectKey | None) -> str:
    """An Ingress, for people."""
    return f"Ingress {key.split('/', 2)[2]}" if key else "nobody"
