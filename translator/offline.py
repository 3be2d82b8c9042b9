"""Translation without processes: objects in, resources and problems out, for the command line and for tests."""

from collections.abc import Mapping
from dataclasses import dataclass

from translator.emissary.options import Options
from translator.ir import ObjectKey
from translator.resources import Resource
from translator.statuses import Status
from translator.translation import Translation


@dataclass(frozen=True, slots=True)
class Result:
    """What a set of objects gives: resources by `<type>/<name>`, and the status of each object."""

    resources: Mapping[str, Resource]
    statuses: Mapping[ObjectKey, Status]


def translate(objects: Mapping[ObjectKey, bytes], options: Options) -> Result:
    """Translate these objects afresh.

    Raises:
        Exception: a rule of ours failed; the first failure is raised, since there is no last good row to keep here.
    """
    translation = Translation(options, {})
    publication = translation.objects_changed(0.0, dict(objects))
    if publication.failures:
        raise publication.failures[0].error
    statuses = {key: status for key, status in publication.statuses.items() if status is not None}
    return Result(translation.resources(), statuses)
