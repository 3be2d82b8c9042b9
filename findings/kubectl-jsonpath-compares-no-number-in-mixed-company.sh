#!/usr/bin/env bash
# kubectl's JSONPath cannot compare a number of a list where some are whole and some have a fraction.
#
# JSON has one kind of number, and so has RFC 9535, where a filter compares by value. In Kubernetes' JSONPath a number
# without a point is an integer and one with a point is not, in the path as in the object, and to compare one with the
# other is an error that ends the whole path. A field of type number that is 0.5 in one element and 2 in another, as 2.0 is
# written by the API server, can be filtered by no literal at all. A slice that ends behind the list, which is a shorter
# list elsewhere, is an error as well. kubectl and controllers that take a path from their users share this library.
#
# Seen with k8s.io/client-go v0.37.1 and python-jsonpath 2.2.2: the table below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'python-jsonpath==2.2.2'
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"bytes"
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/util/jsonpath"
)

func main() {
	var document any
	if err := json.Unmarshal([]byte(os.Args[1]), &document); err != nil {
		panic(err)
	}
	for _, path := range os.Args[2:] {
		parsed := jsonpath.New("one")
		if err := parsed.Parse("{" + path + "}"); err != nil {
			panic(err)
		}
		var found bytes.Buffer
		if err := parsed.Execute(&found, document); err != nil {
			fmt.Printf("client-go, %s: %v\n", path, err)
		} else {
			fmt.Printf("client-go, %s: %s\n", path, found.String())
		}
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/client-go@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

whole='{"of": [{"name": "a", "weight": 1}, {"name": "b", "weight": 2}]}'
mixed='{"of": [{"name": "a", "weight": 0.5}, {"name": "b", "weight": 2}]}'
integer='.of[?(@.weight>1)].name' fraction='.of[?(@.weight>1.0)].name' slice='.of[0:3].name'
{
  ./seen "$whole" "$integer" "$fraction"
  ./seen "$mixed" "$integer" "$fraction" "$slice"
  venv/bin/python - "$mixed" "$integer" "$fraction" "$slice" <<'PYTHON'
import json
import sys

import jsonpath

document, *paths = sys.argv[1:]
for path in paths:
    print(f"python-jsonpath, {path}:", *jsonpath.findall(f"${path}", json.loads(document)))
PYTHON
} | tee output
diff output - <<'TEXT'
client-go, .of[?(@.weight>1)].name: b
client-go, .of[?(@.weight>1.0)].name: incompatible types for comparison
client-go, .of[?(@.weight>1)].name: incompatible types for comparison
client-go, .of[?(@.weight>1.0)].name: incompatible types for comparison
client-go, .of[0:3].name: array index out of bounds: index 2, length 2
python-jsonpath, .of[?(@.weight>1)].name: b
python-jsonpath, .of[?(@.weight>1.0)].name: b
python-jsonpath, .of[0:3].name: a b
TEXT
