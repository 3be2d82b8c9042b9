#!/usr/bin/env bash
# A JSON merge patch loses the nulls of objects in a list in Kubernetes, and in all that patches with the same Go library.
#
# RFC 7396 lets null remove a member of the object that is patched; a list is not merged, it takes the place of what was
# there as it stands. The library takes the nulls out of the objects in such a list first. In a custom resource with a
# nullable field, where null and nothing are two things, a merge patch therefore cannot say null within a list, and leaves
# another object than the same list in a PUT, in a POST or in a JSON patch. json-merge-patch of PyPI keeps them.
#
# Seen with gopkg.in/evanphx/json-patch.v4 v4.13.0 (kube-apiserver 1.36's), json-patch/v5 v5.9.11, and json-merge-patch
# 0.3.0: {"list": [{"a": null, "b": 1}, null]} as a patch gives [{"b": 1}, null] in Go, and the list as it is in Python.
# kube-apiserver 1.36 itself stores {"b": 1} of a merge patch with {"a": null, "b": 1}, and both members of a JSON patch.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'json-merge-patch==0.3.0'
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	v5 "github.com/evanphx/json-patch/v5"
	v4 "gopkg.in/evanphx/json-patch.v4"
)

func main() {
	four, err := v4.MergePatch([]byte(os.Args[1]), []byte(os.Args[2]))
	if err != nil {
		panic(err)
	}
	five, err := v5.MergePatch([]byte(os.Args[1]), []byte(os.Args[2]))
	if err != nil {
		panic(err)
	}
	fmt.Printf("json-patch.v4: %s\njson-patch/v5: %s\n", four, five)
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=gopkg.in/evanphx/json-patch.v4@v4.13.0 -require=github.com/evanphx/json-patch/v5@v5.9.11
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

document='{"list":[{"a":"before"}]}' patch='{"list":[{"a":null,"b":1},null]}'
{
  ./seen "$document" "$patch"
  venv/bin/python -c 'import json, sys
from json_merge_patch import merge
document, patch = map(json.loads, sys.argv[1:])
print("json-merge-patch:", json.dumps(merge(document, patch), separators=(",", ":")))' "$document" "$patch"
} | tee output
diff output - <<'TEXT'
json-patch.v4: {"list":[{"b":1},null]}
json-patch/v5: {"list":[{"b":1},null]}
json-merge-patch: {"list":[{"a":null,"b":1},null]}
TEXT
