#!/usr/bin/env bash
# lightkube's parse_quantity cannot read a CPU's use as the metrics API tells it.
#
# metrics-server tells the CPU of a Pod in billionths, as 11122600n, and Kubernetes' own library writes a small quantity,
# such as 0.0001, as 100u. lightkube's function for such texts takes neither n nor u; nor an exponent with a capital E,
# which the page that it names for its format has too, and which Kubernetes leaves as it is. What is finer than a
# thousandth it rounds up: 1e-9 cores are 0.001. Kubernetes' own client for Python reads them all, and as they are.
#
# Seen with lightkube 1.0.1, kubernetes 37.0.2 (both PyPI) and k8s.io/apimachinery v0.37.1: the table below.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'lightkube==1.0.1' 'kubernetes==37.0.2'
cd "$folder"
cat >main.go <<'GO'
package main

import (
	"fmt"
	"os"

	"k8s.io/apimachinery/pkg/api/resource"
)

func main() {
	for _, text := range os.Args[1:] {
		quantity, err := resource.ParseQuantity(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("apimachinery writes %s as %s\n", text, quantity.String())
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/apimachinery@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

{
  ./seen 0.0111226 0.0001 1E3
  venv/bin/python - 11122600n 100u 1E3 1e-9 250m <<'PYTHON'
import sys

from kubernetes.utils.quantity import parse_quantity
from lightkube.utils.quantity import parse_quantity as parse_of_lightkube

for text in sys.argv[1:]:
    try:
        read = parse_of_lightkube(text)
    except ValueError as error:
        read = error
    print(f"{text}: kubernetes {parse_quantity(text):f}, lightkube {read}")
PYTHON
} | tee output
diff output - <<'TEXT'
apimachinery writes 0.0111226 as 11122600n
apimachinery writes 0.0001 as 100u
apimachinery writes 1E3 as 1E3
11122600n: kubernetes 0.011122600, lightkube Invalid unit suffix: n
100u: kubernetes 0.000100, lightkube Invalid unit suffix: u
1E3: kubernetes 1000, lightkube Invalid unit suffix: E3
1e-9: kubernetes 0.000000001, lightkube 0.001
250m: kubernetes 0.250, lightkube 0.250
TEXT
