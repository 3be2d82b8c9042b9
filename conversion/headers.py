"""Rules about headers, query parameters and CORS: older versions say in a word what is now an object or a list."""

from typing import Any

from conversion.parts import Fields, Part

_ANY = ".*"


def constraints(field: str, regexes: str, booleans: str) -> Part:
    """What a request must have, by name; `true` in older versions, for any value, is a regular expression now."""

    def upgrade(fields: Fields) -> Fields:
        given, patterns = fields.get(field), fields.get(regexes, {})
        if not isinstance(given, dict) or not isinstance(patterns, dict):
            return fields
        if not any(isinstance(value, bool) or value is None for value in given.values()):
            return fields
        present = sorted(name for name, value in given.items() if value is True)
        exact = {name: value for name, value in given.items() if not isinstance(value, bool) and value is not None}
        out = {**fields, field: exact, regexes: {**dict.fromkeys(present, _ANY), **patterns}, booleans: present}
        return {name: value for name, value in out.items() if value}

    def downgrade(fields: Fields) -> Fields:
        names, given, patterns = fields.get(booleans), fields.get(field, {}), fields.get(regexes)
        if not isinstance(names, list) or not isinstance(given, dict) or not isinstance(patterns, dict):
            return {name: value for name, value in fields.items() if name != booleans}
        present = [name for name in names if isinstance(name, str) and name in patterns and name not in given]
        left = {name: value for name, value in patterns.items() if name not in present or value != _ANY}
        out = {**fields, field: {**given, **dict.fromkeys(present, True)}, regexes: left}
        return {name: value for name, value in out.items() if name != booleans and value}

    return Part((field, regexes, booleans), upgrade, downgrade)


def added(field: str) -> Part:
    """Headers to be added: a text in older versions, always an object now."""
    return Part((field,), lambda fields: _each(fields, field, _in_full), lambda fields: _each(fields, field, _in_short))


def _each(fields: Fields, field: str, rule: Any) -> Fields:
    given = fields[field]
    return {field: {name: rule(value) for name, value in given.items()}} if isinstance(given, dict) else fields


def _in_full(value: Any) -> Any:
    if value is None:
        return {"v2Representation": "null"}
    if isinstance(value, str):
        return {"value": value, "v2Representation": "string"}
    if isinstance(value, bool):
        return {"value": str(value).lower()}
    return {"value": str(value)} if isinstance(value, int | float) else value


def _in_short(value: Any) -> Any:
    if not isinstance(value, dict) or "v2Representation" not in value:
        return value
    written, text = value["v2Representation"], value.get("value", "")
    if written == "string" and isinstance(text, str) and value.get("append") is None:
        return text
    if written == "null" and text == "" and value.get("append") is None:
        return None
    return {name: item for name, item in value.items() if name != "v2Representation"}


def listed(field: str) -> Part:
    """Names: one of them, or a list, in older versions; a list now."""

    def upgrade(fields: Fields) -> Fields:
        given = fields[field]
        return {field: [given]} if isinstance(given, str) else fields

    return Part((field,), upgrade, lambda fields: fields)


def _upgraded_cors(fields: Fields) -> Fields:
    cors = fields["cors"]
    if not isinstance(cors, dict):
        return fields
    out = dict(cors)
    for name in ("methods", "headers", "exposed_headers"):
        if isinstance(cors.get(name), str):
            out[name] = _words(cors[name])
    if isinstance(cors.get("origins"), str):
        out |= {"origins": _words(cors["origins"]), "v2CommaSeparatedOrigins": True}
    return {"cors": out}


def _downgraded_cors(fields: Fields) -> Fields:
    cors = fields["cors"]
    if not isinstance(cors, dict) or "v2CommaSeparatedOrigins" not in cors:
        return fields
    out = {name: value for name, value in cors.items() if name != "v2CommaSeparatedOrigins"}
    origins = cors.get("origins")
    texts = isinstance(origins, list) and all(isinstance(origin, str) for origin in origins)
    if cors["v2CommaSeparatedOrigins"] is True and texts:
        out["origins"] = ",".join(origins or ())
    return {"cors": out}


CORS = Part(("cors",), _upgraded_cors, _downgraded_cors)
"""`cors`, whose lists were texts with commas."""


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
