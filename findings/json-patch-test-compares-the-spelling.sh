#!/usr/bin/env bash
# The `test` of a JSON patch fails in Kubernetes where the same value is only spelled otherwise.
#
# RFC 6902, section 4.6 has strings equal by their characters, and numbers by their value. The library by which
# kube-apiserver applies patches, json-patch.v4, compares the bytes of their JSON instead. And the JSON that it compares
# with is not what was sent or what `kubectl get` shows, but Go's, which writes & < > as \u0026 \u003c \u003e: so for a URL
# with a query, or a CEL expression with &&, `test` with the very text that stands in the object fails. It holds for a
# client that escapes the same three; kubectl does, as it is written in Go too. The other way round, é stands as it is in
# Go's JSON, and Python writes \u00e9. json-patch/v5 unescapes strings, but takes 1.0 for another number than 1 as well.
#
# Seen with gopkg.in/evanphx/json-patch.v4 v4.13.0, json-patch/v5 v5.9.11 and k8s.io/apimachinery v0.37.1: the table below.
# kube-apiserver 1.36 itself answers 422 to such a patch: "the server rejected our request due to an error in our request".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"

	v5 "github.com/evanphx/json-patch/v5"
	v4 "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// The object's JSON as an API server has it when it applies a patch.
func object(url, name string, weight int64) []byte {
	object := unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "example.test/v1", "kind": "Example", "metadata": map[string]any{"name": "one"},
		"spec": map[string]any{"url": url, "name": name, "weight": weight},
	}}
	document, err := object.MarshalJSON()
	if err != nil {
		panic(err)
	}
	return document
}

func said(err error) string {
	if err != nil {
		return "fails"
	}
	return "holds"
}

func main() {
	document := object("https://a.test/?b=1&c=2", "café", 1)
	for _, each := range [][2]string{
		{"url", `"https://a.test/?b=1&c=2"`},
		{"url", `"https://a.test/?b=1\u0026c=2"`},
		{"url", `"https:\/\/a.test\/?b=1\u0026c=2"`},
		{"name", `"café"`},
		{"name", `"caf\u00e9"`},
		{"weight", `1`},
		{"weight", `1.0`},
	} {
		patch := []byte(`[{"op": "test", "path": "/spec/` + each[0] + `", "value": ` + each[1] + `}]`)
		four, err := v4.DecodePatch(patch)
		if err != nil {
			panic(err)
		}
		five, err := v5.DecodePatch(patch)
		if err != nil {
			panic(err)
		}
		_, byFour := four.Apply(document)
		_, byFive := five.Apply(document)
		fmt.Printf("%s is %s: v4 %s, v5 %s\n", each[0], each[1], said(byFour), said(byFive))
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=gopkg.in/evanphx/json-patch.v4@v4.13.0 -require=github.com/evanphx/json-patch/v5@v5.9.11 \
  -require=k8s.io/apimachinery@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

./seen | tee output
diff output - <<'TEXT'
url is "https://a.test/?b=1&c=2": v4 fails, v5 holds
url is "https://a.test/?b=1\u0026c=2": v4 holds, v5 holds
url is "https:\/\/a.test\/?b=1\u0026c=2": v4 fails, v5 holds
name is "café": v4 holds, v5 holds
name is "caf\u00e9": v4 fails, v5 holds
weight is 1: v4 holds, v5 holds
weight is 1.0: v4 fails, v5 fails
TEXT
