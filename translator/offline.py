"""Translation without processes: objects in, resources and problems out, for the command line and for tests."""

from collections.abc import Callable, Mapping

from translator.files.names import Files
from translator.ir import ObjectKey
from translator.options import Options
from translator.resources import Resource
from translator.statuses import Status
from translator.tables import Failure
from translator.translation import Translation
from translator.values import dataclass


@dataclass(frozen=True, slots=True)
class Result:
    """What a set of objects gives: resources by `<type>/<name>`, the status of each object, and what of ours failed."""

    resources: Mapping[str, Resource]
    statuses: Mapping[ObjectKey, Status]
    failures: tuple[Failure, ...] = ()


def translate(
    objects: Mapping[ObjectKey, bytes], options: Options, read_files: Callable[[Files], bytes] | None = None
) -> Result:
    """Translate these objects afresh. Where a rule of ours fails, what it would have made is missing.

    `read_files` gives what is in files that objects name, as the watcher would write it.
    """
    translation = Translation(options, {})
    publication = translation.objects_changed(0.0, dict(objects))
    if read_files is not None:
        contents = {files.key: read_files(files) for files in translation.pipeline.files_wanted()}
        publication.then(translation.objects_changed(0.0, contents))
    statuses = {key: status for key, status in publication.statuses.items() if status is not None}
    return Result(translation.resources(), statuses, tuple(publication.failures))
