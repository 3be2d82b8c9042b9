"""What is said of an Ingress in a folder that is of no class of ours. In a cluster another controller may have it."""

from collections.abc import Iterator
from typing import Final

from translator.decode import Problem, few
from translator.derived import ID, id_of
from translator.ingress.kinds import CLASS, CONTROLLER, DEFAULT, NGINX, STANDARD, TAKEN_OVER, Ingress, IngressClass
from translator.ingress.older import in_its_words
from translator.ir import ObjectKey
from translator.tables import Table, Tables, read
from translator.unserved import left_out, like, there_is

_IN_SPEC: Final = "spec.ingressClassName"
_IN_ANNOTATION: Final = f'metadata.annotations["{CLASS}"]'
_BY_DEFAULT: Final = f'no IngressClass has the annotation {DEFAULT}: "true"'
_ADD_ONE: Final = f": add an IngressClass with the controller {STANDARD}"
_NOT_SERVED: Final = "so that nothing of this Ingress is served"


class Unclaimed:
    """Tells of Ingresses that are nobody's. The method is for rules that a sweep runs."""

    def __init__(
        self,
        tables: Tables,
        classes: Table[ObjectKey, IngressClass],
        by_name: Table[str, IngressClass],
        default: Table[str, IngressClass],
        ambassador_id: str,
    ) -> None:
        """`default` has one row at most."""
        named = tables.group("names of ingress classes", classes, lambda _, row: {"": row.name})
        self._names: Table[str, tuple[str, ...]] = tables.each(
            "ingress classes named", named, lambda _, them: tuple(sorted(them.values()))
        )
        self._by_name, self._default, self._id = by_name, default, ambassador_id

    def told(self, ingress: Ingress) -> tuple[Problem, ...]:
        """Why an Ingress is not ours."""
        if id_of(ingress.annotations) != self._id:
            ids = [ingress.annotations[ID]] if ID in ingress.annotations else None
            return (left_out(f'metadata.annotations["{ID}"]', ids, self._id),)
        if _asks_for_nothing(ingress):
            return ()
        return few(in_its_words((*ingress.problems, *self._of_class(ingress)), is_older=ingress.is_older))

    def _of_class(self, ingress: Ingress) -> Iterator[Problem]:
        annotated = "" if ingress.class_name else ingress.annotations.get(CLASS, "")
        name, path = ingress.class_name or annotated, _IN_ANNOTATION if annotated else _IN_SPEC
        of_class = read(self._by_name, name) if name else read(self._default, "default")
        if of_class is None and not name:
            names = read(self._names, "") or ()
            yield _unclaimed(path, f"is absent, and {_BY_DEFAULT}", there_is(names) or _ADD_ONE)
        elif of_class is None:
            names = read(self._names, "") or ()
            hint = like(name, names) or there_is(names) or _ADD_ONE
            yield _unclaimed(path, f"names the IngressClass {name}, which does not exist", hint)
        elif of_class.id != self._id and (of_class.is_standard or of_class.controller.lower() == CONTROLLER):
            said = f"{of_class.name} is the IngressClass of the gateway {of_class.id}, and this one's AMBASSADOR_ID is"
            yield Problem(path, f"{said} {self._id}", stops=False, reason="NotAttached", sort="Others", notice=True)
        elif of_class.controller.lower() == CONTROLLER:
            said = f"names the IngressClass {of_class.name} of {CONTROLLER} where only others are looked for"
            yield _unclaimed(path, said, f": write it in {_IN_SPEC}")
        else:
            yield _of_another(path, of_class, by_default=not name)


def _asks_for_nothing(ingress: Ingress) -> bool:
    """Whether an Ingress is there for its annotations alone, which may carry Mappings."""
    spec = ingress.spec
    is_empty = spec is not None and not (spec.rules or spec.default_backend or spec.tls or spec.class_name)
    return is_empty and CLASS not in ingress.annotations


def _of_another(path: str, of_class: IngressClass, *, by_default: bool) -> Problem:
    """That a class is another controller's."""
    what = f"is absent, and the default one, {of_class.name}," if by_default else f"names {of_class.name}, which"
    taken = f': with the annotation {TAKEN_OVER}: "true" it would be ours'
    hint = taken if of_class.controller.lower() == NGINX else f": those of ours have {STANDARD}"
    return _unclaimed(path, f"{what} is of another controller, {of_class.controller}", hint)


def _unclaimed(path: str, said: str, hint: str) -> Problem:
    message = f"{said}, {_NOT_SERVED}{hint}"
    return Problem(path, message, stops=False, reason="NotAttached", sort="Classless")
