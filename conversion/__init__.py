"""getambassador.io's older versions, v1 and v2, and the current one, v3alpha1: from one to another.

Pure functions, without loss in either direction: an object that goes to another version and back is the same again,
whatever is in it. They know no one; the webhook converts what Kubernetes asks for, the translator what people wrote in
a folder.

    parts     the engine: fields that mean something together, converted or remembered together
    memory    what the other version cannot say: an annotation, gone again on the way back
    headers, labels, names, services      the rules, by what they are about
    kinds     which kind has which parts, and which versions
    objects   a whole object
"""

from conversion.kinds import CURRENT, GROUP, OLDER, VERSIONS, versions_of
from conversion.memory import ANNOTATION
from conversion.objects import UnconvertibleError, convert
from conversion.spelling import written_path

__all__ = [
    "ANNOTATION",
    "CURRENT",
    "GROUP",
    "OLDER",
    "VERSIONS",
    "UnconvertibleError",
    "convert",
    "versions_of",
    "written_path",
]
