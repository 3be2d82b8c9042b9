#!/usr/bin/env bash
# With two files in KUBECONFIG, programs in Python talk to the current context of the last, kubectl to that of the first.
#
# kubectl's rule for a list of files is that the first to set a value wins. Kubernetes' client for Python keeps to it for
# clusters, users and contexts of the same name, but each further file that has a current-context replaces the one before.
# So where every file is whole, as tools that make clusters write them, `kubectl` and a Python program in the same shell
# are in different clusters, and neither says so.
#
# Seen with kubernetes 37.0.2 (PyPI) and k8s.io/client-go v0.37.1: of two files with one current context each, and a
# context `both` in each, client-go is in `first`, and Python in `last`; `both` is the first file's for the two of them.
#
# Known to its makers: kubernetes-client/python, pull request 2386.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'kubernetes==37.0.2'
cd "$folder"
for name in first last; do
  cat >"$name.yaml" <<YAML
apiVersion: v1
kind: Config
current-context: $name
clusters: [{name: $name, cluster: {server: "https://$name.test"}}]
users: [{name: $name, user: {token: $name}}]
contexts:
- {name: $name, context: {cluster: $name, user: $name}}
- {name: both, context: {cluster: $name, user: $name}}
YAML
done
cat >main.go <<'GO'
package main

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	for _, name := range []string{"", "both"} {
		config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
			clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
		if err != nil {
			panic(err)
		}
		fmt.Printf("client-go, context %q: %s\n", name, config.Host)
	}
}
GO
export GOFLAGS=-mod=mod
go mod init example.test/seen 2>/dev/null
go mod edit -require=k8s.io/client-go@v0.37.1
go build -o seen . 2>build.log || { cat build.log >&2; exit 1; }

export KUBECONFIG="$folder/first.yaml:$folder/last.yaml"
{
  ./seen
  venv/bin/python - <<'PYTHON'
from kubernetes import config

for name in ("", "both"):
    client = config.new_client_from_config(context=name or None)
    print(f'Python, context "{name}": {client.configuration.host}')
PYTHON
} | tee output
diff output - <<'TEXT'
client-go, context "": https://first.test
client-go, context "both": https://first.test
Python, context "": https://last.test
Python, context "both": https://first.test
TEXT
