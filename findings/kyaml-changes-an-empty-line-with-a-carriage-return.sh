#!/usr/bin/env bash
# An object that `kubectl get -o kyaml` writes is another than the one in the cluster, where a text in it has CRLF line ends.
#
# KYAML is Kubernetes' own form of YAML, which any reader of YAML should read as the same. A text of several lines is
# written line by line between double quotes, and the start of each line is escaped so that its spaces are kept. Where the
# first character of a line has to be written as an escape of its own, as the carriage return of an empty line of CRLF, the
# backslash comes twice: the reader finds a backslash and an r. A ConfigMap with a Windows file, an HTTP request or a mail
# is so changed by being read and applied again. CRLF after other text on the line is kept, and so is it in YAML.
#
# Seen with sigs.k8s.io/yaml v1.6.0 and PyYAML 6.0.4: of "one\r\n\r\ntwo\r\n" both read "one\r\n\\r\ntwo\r\n", which kubectl
# 1.36 writes as well.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'pyyaml==6.0.4'
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
	"sigs.k8s.io/yaml/kyaml"
)

func main() {
	data := map[string]string{"plain": "one\r\ntwo\r\n", "empty": "one\r\n\r\ntwo\r\n"}
	asYAML, err := yaml.Marshal(data)
	if err != nil {
		panic(err)
	}
	asKYAML, err := (&kyaml.Encoder{}).Marshal(data)
	if err != nil {
		panic(err)
	}
	if err := os.WriteFile("one.kyaml", asKYAML, 0o644); err != nil {
		panic(err)
	}
	for _, each := range []struct{ form, text string }{{"YAML", string(asYAML)}, {"KYAML", string(asKYAML)}} {
		var again map[string]string
		if err := yaml.Unmarshal([]byte(each.text), &again); err != nil {
			panic(err)
		}
		for _, name := range []string{"plain", "empty"} {
			fmt.Printf("Go, %s, %s: %q -> %q\n", each.form, name, data[name], again[name])
		}
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=sigs.k8s.io/yaml@v1.6.0
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

{
  ./seen
  venv/bin/python -c 'import json, yaml
print("Python, KYAML, empty:", json.dumps(yaml.safe_load(open("one.kyaml"))["empty"]))'
} | tee output
cat one.kyaml
diff output - <<'TEXT'
Go, YAML, plain: "one\r\ntwo\r\n" -> "one\r\ntwo\r\n"
Go, YAML, empty: "one\r\n\r\ntwo\r\n" -> "one\r\n\r\ntwo\r\n"
Go, KYAML, plain: "one\r\ntwo\r\n" -> "one\r\ntwo\r\n"
Go, KYAML, empty: "one\r\n\r\ntwo\r\n" -> "one\r\n\\r\ntwo\r\n"
Python, KYAML, empty: "one\r\n\\r\ntwo\r\n"
TEXT
