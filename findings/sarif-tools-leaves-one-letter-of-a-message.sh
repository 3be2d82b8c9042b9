#!/usr/bin/env bash
# sarif-tools leaves one letter of a message that begins with its rule's name, or nothing of it.
#
# In SARIF the text of a result and the id of its rule are two things, and many programs say the id at the start of the
# text too: "unused: the route is never taken", or simply "unused route". sarif-tools means to take it off in its lists, but
# keeps one character alone, the second after the id. The result is still counted.
#
# Seen with sarif-tools 3.0.5: of "unused route" by the rule `unused` the CSV has "r", of "X1: a route is unused" by the
# rule `X1` nothing; of a text with the id elsewhere all.
#
# Known to its makers: microsoft/sarif-tools, issue 109.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'sarif-tools==3.0.5'
cd "$folder"
cat >one.sarif <<'JSON'
{"version": "2.1.0", "runs": [{
  "tool": {"driver": {"name": "example", "rules": [{"id": "X1"}, {"id": "unused"}]}},
  "results": [
    {"ruleId": "X1", "level": "error", "message": {"text": "X1: a route is unused"}},
    {"ruleId": "X1", "level": "warning", "message": {"text": "a route is unused (X1)"}},
    {"ruleId": "unused", "level": "note", "message": {"text": "unused route"}}]}]}
JSON

venv/bin/sarif csv --output one.csv one.sarif
tr -d '\r' <one.csv | tee output
diff output - <<'TEXT'
Tool,Severity,Code,Description,Location,Line
example,error,X1,,-,1
example,warning,X1,a route is unused (X1),-,1
example,note,unused,r,-,1
TEXT
