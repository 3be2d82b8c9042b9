#!/usr/bin/env bash
# A value that is valid by a custom resource's schema stops being so when the field gets a rule that holds for it.
#
# JSON Schema, and Kubernetes' own, have 1.0 for an integer, and a date-time is RFC 3339's, which lets T and Z be small
# letters. Both are stored. But a rule in CEL, under x-kubernetes-validations, is given the value by other code, which has
# no integer for a number that was sent with a point or an exponent, and no time for one that Go's own layouts cannot
# read. The object is then refused, and not for breaking the rule: there is none that it could keep. So a new rule that
# is true of all objects refuses what clients sent before: Python's json.dumps(1.0), for one.
#
# Seen with k8s.io/apiextensions-apiserver v0.37.1: the table below. kube-apiserver 1.36 itself answers the same: 422, and
# "invalid data, expected int, got float64".
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	v1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	decoder "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	limits "k8s.io/apiserver/pkg/apis/cel"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	for _, each := range []struct{ schema, rule, value string }{
		{`"type": "integer"`, "self >= 0", `1`},
		{`"type": "integer"`, "self >= 0", `1.0`},
		{`"type": "integer"`, "self >= 0", `1e2`},
		{`"type": "string", "format": "date-time"`, "self > timestamp('2020-01-01T00:00:00Z')", `"2026-01-02T03:04:05Z"`},
		{`"type": "string", "format": "date-time"`, "self > timestamp('2020-01-01T00:00:00Z')", `"2026-01-02t03:04:05z"`},
	} {
		var external v1.JSONSchemaProps
		must(json.Unmarshal([]byte("{"+each.schema+"}"), &external))
		external.XValidations = v1.ValidationRules{{Rule: each.rule}}
		var internal apiextensions.JSONSchemaProps
		must(v1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&external, &internal, nil))
		structural, err := schema.NewStructural(&internal)
		must(err)
		valid, _, err := validation.NewSchemaValidator(&internal)
		must(err)
		var value any
		must(decoder.Unmarshal([]byte(each.value), &value))

		wrong := validation.ValidateCustomResource(field.NewPath("it"), value, valid)
		rules := cel.NewValidator(structural, true, limits.PerCallLimit)
		failed, _ := rules.Validate(context.Background(), field.NewPath("it"), structural, value, nil, limits.RuntimeCELCostBudget)
		said := "holds"
		if len(failed) != 0 {
			said = strings.SplitN(failed[0].Detail, " evaluating rule", 2)[0]
			said = strings.SplitN(said, ": parsing", 2)[0]
		}
		fmt.Printf("%s: valid %t, %s: %s\n", each.value, len(wrong) == 0, each.rule, said)
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/apiextensions-apiserver@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

./seen | tee output
diff output - <<'TEXT'
1: valid true, self >= 0: holds
1.0: valid true, self >= 0: invalid data, expected int, got float64
1e2: valid true, self >= 0: invalid data, expected int, got float64
"2026-01-02T03:04:05Z": valid true, self > timestamp('2020-01-01T00:00:00Z'): holds
"2026-01-02t03:04:05z": valid true, self > timestamp('2020-01-01T00:00:00Z'): Invalid date-time formatted string 2026-01-02t03:04:05z
TEXT
