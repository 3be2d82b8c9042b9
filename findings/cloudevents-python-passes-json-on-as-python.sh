#!/usr/bin/env bash
# A Python program that takes a CloudEvent and passes it on as it is sends Python's spelling of it under application/json.
#
# The data of an event of application/json may be any JSON value. CloudEvents' library for Python reads each of them; but
# in binary mode it writes an object alone as JSON. A list goes out as repr() gives it, with single quotes and True, a
# string without its quotes, and null as no body at all. An extension that is a Boolean, which CloudEvents writes `true`
# in a header, is `True`. In structured mode all of this is right.
#
# Seen with cloudevents 2.2.0 (PyPI): the table below, of what came -> what went on.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'cloudevents==2.2.0'
cd "$folder"

venv/bin/python - <<'PYTHON' | tee output
import json

from cloudevents.core.bindings.http import HTTPMessage, from_binary, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat

ATTRIBUTES = {"id": "1", "type": "one", "source": "/one", "specversion": "1.0"}
FORMAT = JSONFormat()
for body in (b'{"a": true}', b'["a", true]', b'"text"', b"true", b"null"):
    headers = {f"ce-{name}": value for name, value in ATTRIBUTES.items()} | {"content-type": "application/json"}
    sent = to_binary(from_binary(HTTPMessage(headers, body), FORMAT), FORMAT)
    print(f"binary, {sent.headers['content-type']}: {body.decode()} -> {sent.body.decode()}".rstrip())

document = ATTRIBUTES | {"datacontenttype": "application/json", "flag": True, "data": ["a", True]}
message = HTTPMessage({"content-type": "application/cloudevents+json"}, json.dumps(document).encode())
event = from_structured(message, FORMAT)
sent = json.loads(to_structured(event, FORMAT).body)
print("structured, flag and data:", json.dumps([sent["flag"], sent["data"]]))
print("the same event in binary mode, ce-flag:", to_binary(event, FORMAT).headers["ce-flag"])
PYTHON
diff output - <<'TEXT'
binary, application/json: {"a": true} -> {"a": true}
binary, application/json: ["a", true] -> ['a', True]
binary, application/json: "text" -> text
binary, application/json: true -> True
binary, application/json: null ->
structured, flag and data: [true, ["a", true]]
the same event in binary mode, ce-flag: True
TEXT
