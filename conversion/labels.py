"""Rules about rate-limit labels and tracing tags: shorthands of older versions, objects now."""

from collections.abc import Callable
from typing import Any, Final

from conversion.parts import Fields, Part

_WORDS: Final = ("remote_address", "source_cluster", "destination_cluster")


def _specifiers(rule: Callable[[Any], Any]) -> Callable[[Fields], Fields]:
    """Apply a rule to each specifier: a domain has a list of groups, a group a list of specifiers."""

    def of_group(group: Any) -> Any:
        if not isinstance(group, dict):
            return group
        return {name: [rule(one) for one in many] if isinstance(many, list) else many for name, many in group.items()}

    def apply(fields: Fields) -> Fields:
        labels = fields["labels"]
        if not isinstance(labels, dict):
            return fields
        groups = {
            domain: [of_group(group) for group in many] if isinstance(many, list) else many
            for domain, many in labels.items()
        }
        return {"labels": groups}

    return apply


def _upgraded(specifier: Any) -> Any:
    if isinstance(specifier, str):
        if specifier in _WORDS:
            return {specifier: {"key": specifier}}
        return {"generic_key": {"value": specifier, "v2Shorthand": True}}
    if not isinstance(specifier, dict):
        return specifier
    generic = specifier.get("generic_key")
    if isinstance(generic, str):
        key = specifier.get("v3Key")
        return {"generic_key": {"value": generic, **({"key": key} if key else {})}}
    if len(specifier) == 1:
        [(key, header)] = specifier.items()
        if isinstance(header, dict) and isinstance(header.get("header"), str):
            rest = {name: value for name, value in header.items() if name != "header"}
            return {"request_headers": {"key": key, "header_name": header["header"], **rest}}
    return specifier


def _downgraded(specifier: Any) -> Any:
    if not isinstance(specifier, dict) or len(specifier) != 1:
        return specifier
    [(kind, said)] = specifier.items()
    if not isinstance(said, dict):
        return specifier
    if kind in _WORDS and said.get("key", kind) == kind:
        return kind
    if kind == "generic_key" and isinstance(said.get("value"), str):
        return _generic(said)
    if kind == "request_headers" and isinstance(said.get("key"), str) and isinstance(said.get("header_name"), str):
        rest = {name: value for name, value in said.items() if name not in ("key", "header_name")}
        return {said["key"]: {"header": said["header_name"], **rest}}
    return specifier


def _generic(said: Fields) -> Any:
    if said.get("v2Shorthand") is True and not said.get("key"):
        return said["value"]
    return {"generic_key": said["value"], **({"v3Key": said["key"]} if said.get("key") else {})}


LABELS: Final = Part(("labels",), _specifiers(_upgraded), _specifiers(_downgraded))
"""`labels` of a Mapping."""


def _upgraded_tags(fields: Fields) -> Fields:
    headers, tags = fields.get("tag_headers"), fields.get("v3CustomTags", fields.get("custom_tags"))
    if not isinstance(headers, list) or not all(isinstance(header, str) for header in headers):
        return {"custom_tags": tags, **_only(fields, "tag_headers")} if "v3CustomTags" in fields else fields
    if not isinstance(tags, list | None):
        return fields
    return {"custom_tags": [*(tags or ()), *({"tag": name, "request_header": {"name": name}} for name in headers)]}


def _downgraded_tags(fields: Fields) -> Fields:
    tags = fields.get("custom_tags")
    if not isinstance(tags, list) or "tag_headers" in fields:
        return {"v3CustomTags": tags, **_only(fields, "tag_headers")} if "custom_tags" in fields else fields
    headers = [name for name in map(_header_of, tags) if name is not None]
    others = [tag for tag in tags if _header_of(tag) is None]
    return {**({"tag_headers": headers} if headers else {}), **({"v3CustomTags": others} if others else {})}


def _header_of(tag: Any) -> str | None:
    """The header of a tag that says no more than that."""
    name = tag.get("tag") if isinstance(tag, dict) else None
    return name if isinstance(name, str) and tag == {"tag": name, "request_header": {"name": name}} else None


def _only(fields: Fields, name: str) -> Fields:
    return {name: fields[name]} if name in fields else {}


TAGS: Final = Part(("tag_headers", "custom_tags", "v3CustomTags"), _upgraded_tags, _downgraded_tags)
"""What a TracingService adds to spans."""
