"""What is wrong with Ingresses beside what they say themselves: what others have already, and what is not there."""

from collections.abc import Callable, Iterator

from translator import ir
from translator.decode import Problem, few
from translator.ingress.backends import Backends
from translator.ingress.claims import UNREAD, Understood, behind, called, certified, other_names, rest_of
from translator.ingress.nginx.part import PREFIX, SHUT
from translator.ingress.older import in_its_words
from translator.ingress.ownership import Ownership
from translator.ingress.paths import EVERY, Asked
from translator.ingress.routes import Owner
from translator.ir import ObjectKey
from translator.ir.ports import Port, tcp
from translator.kubernetes.tables import KubernetesTables
from translator.tables import Table, read


class Telling:
    """The problems of an Ingress. The methods are for rules that a sweep runs."""

    def __init__(
        self,
        rows: Table[ObjectKey, Understood],
        ownership: Ownership,
        backends: Backends,
        kubernetes: KubernetesTables,
        taken: Table[Port, str],
        ports: tuple[int, ...],
        is_usable: Callable[[ir.SecretRef], bool],
    ) -> None:
        """`taken` and `ports` are those of others, and ours; `is_usable`: whether a certificate can be shown."""
        self._rows = rows
        self._ownership = ownership
        self._backends = backends
        self._kubernetes = kubernetes
        self._taken = taken
        self._ports = ports
        self._is_usable = is_usable

    def told(self, key: ObjectKey, row: Understood) -> tuple[Problem, ...]:
        """All of them, those that it says itself first."""
        return few(in_its_words(self._problems(key, row), is_older=row.owner.ingress.is_older))

    def _problems(self, key: ObjectKey, row: Understood) -> Iterator[Problem]:
        owner = row.owner
        yield from row.problems
        for port in self._ports:
            who = read(self._taken, tcp(port))
            if who is not None and owner.asked:
                said = f"is not served at port {port}, which is taken by {who}: DRAGOMAN_INGRESS_PORTS names others"
                yield Problem("spec", said, reason="Conflict")
        if UNREAD in owner.treatment.shut:
            said = "is answered 503 at its hosts and paths, as far as they can be read, until it is mended"
            yield Problem("spec", said, stops=False)
            return
        seen: set[tuple[str, str]] = set()
        for asked in owner.asked:
            found = self._backends.asked(owner, asked)
            if found.problem and (asked.where, found.at) not in seen:
                seen.add((asked.where, found.at))
                yield Problem(f"{asked.where}{behind(asked)}{found.at}", found.problem, reason="BackendNotFound")
            yield from self._lost(key, owner, asked)
        yield from self._shut_with_others(owner)
        yield from self._without_client(owner)
        yield from self._lost_names(key, owner)
        yield from self._certificates(key, owner)

    def _lost(self, key: ObjectKey, owner: Owner, asked: Asked) -> Iterator[Problem]:
        """What is said of a path that another Ingress has."""
        whose = read(self._ownership.owners, asked.place)
        if owner.treatment.canary is None:
            if whose not in {None, key} and asked.place != rest_of(EVERY):
                said = f"{asked.place.called} is that of {called(whose)} already, which is older"
                yield Problem(f"{asked.where}.path", said, reason="Conflict")
            elif whose not in {None, key}:
                yield Problem(asked.where, f"every host is that of {called(whose)} already", False, reason="Conflict")
            return
        main = read(self._rows, whose) if whose is not None else None
        if main is None:
            said = f"no other Ingress has {asked.place.called}, so that there is nothing that it could be a canary of"
            yield Problem(f"{asked.where}.path", said, reason="NotAttached")
        elif main.owner.ingress.namespace != owner.ingress.namespace:
            said = f"{asked.place.called} is that of {called(whose)}: a canary must be of the same namespace"
            yield Problem(f"{asked.where}.path", said, reason="Conflict")
        elif (first := read(self._ownership.canaries, (owner.ingress.namespace, asked.place))) != key:
            said = f"{asked.place.called} has a canary already, {called(first)}"
            yield Problem(f"{asked.where}.path", said, reason="Conflict")

    def _shut_with_others(self, owner: Owner) -> Iterator[Problem]:
        for host in dict.fromkeys(asked.place.host for asked in owner.asked):
            whose = self._ownership.shut_by(owner, host)
            if whose is not None:
                said = (
                    f"{host or 'every host'} is shut by what {called(whose)} says for the whole host and is not served"
                )
                yield Problem("spec.rules", f"{said}: requests are answered 503 until it is mended")

    def _without_client(self, owner: Owner) -> Iterator[Problem]:
        for host in dict.fromkeys(asked.place.host for asked in owner.asked):
            if owner.treatment.shut or not self._ownership.misses_client(owner, host):
                continue
            found = read(self._ownership.clients, host)
            declared = called(read(self._ownership.declared, host))
            if host == EVERY:
                said = "wants a host: clients are asked for certificates by the name that they come for"
            elif found is not None and self._ownership.may_pass_on(owner, host):
                said = f"{called(found.key)}, which is older, says otherwise of {host}"
            else:
                said = f"{host} is that of {declared} already, which is older and of another namespace"
            yield Problem(f'metadata.annotations["{PREFIX}auth-tls-secret"]', f"{said}{SHUT}", reason="Conflict")

    def _lost_names(self, key: ObjectKey, owner: Owner) -> Iterator[Problem]:
        for _, other in other_names(owner):
            if read(self._ownership.declared, other) is not None or read(self._ownership.owners, rest_of(other)) != key:
                said = f"{other} is served by an Ingress itself, so that nobody is sent from there"
                yield Problem("metadata.annotations", said, stops=False, reason="Conflict")

    def _certificates(self, key: ObjectKey, owner: Owner) -> Iterator[Problem]:
        if owner.treatment.passthrough and not any(asked.text == "/" for asked in owner.asked):
            yield Problem(f'metadata.annotations["{PREFIX}ssl-passthrough"]', "wants a path /: TLS goes to its backend")
        spec, mine = owner.ingress.spec, certified(owner)
        for host in [
            name for name, row in mine.items() if row.secret is None and not self._ownership.may_pass_on(owner, name)
        ]:
            older = called(read(self._ownership.declared, host))
            said = f"{host} is that of {older} already, which is older and of another namespace"
            yield Problem(f'metadata.annotations["{PREFIX}ssl-passthrough"]', said, reason="Conflict")
        for number, tls in enumerate(spec.tls if spec else ()):
            path = f"spec.tls[{number}]"
            if not tls.secret_name:
                said = "is absent: the certificate of last resort is shown, which no client trusts"
                yield Problem(f"{path}.secretName", said, stops=False)
                continue
            secret = ir.SecretRef(owner.ingress.namespace, tls.secret_name)
            if not self._is_usable(secret):
                found = self._kubernetes.certificate(secret)
                why = (found.problem or found.unfit) if found else None
                said = f"Secret {secret.namespace}/{secret.name} " + (
                    f"cannot be used: {why}" if why else "does not exist, or holds no certificate"
                )
                is_absent = found is None
                yield Problem(
                    f"{path}.secretName",
                    said,
                    stops=False,
                    reason="SecretNotUsable",
                    sort="Absent" if is_absent else "",
                )
            elif (found := self._kubernetes.certificate(secret)) and found.refusal:
                said = f"Secret {secret.namespace}/{secret.name} is not used as it is now: {found.refusal}"
                yield Problem(f"{path}.secretName", said, stops=False, reason="SecretNotUsable")
            for place, host in enumerate(tls.hosts):
                if host.lower() not in mine:
                    said = f"{host} is no host of these rules, so that the certificate is not shown for it"
                    yield Problem(f"{path}.hosts[{place}]", said, stops=False)
                whose = read(self._ownership.certified, host.lower())
                if whose is not None and whose.key != key:
                    said = f"{host} has the certificate of {called(whose.key)}, which is older or names it in its rules"
                    yield Problem(f"{path}.hosts[{place}]", said, stops=False, reason="Conflict")
