#!/bin/sh
# Makes a CA and the certificate of a service, beside this script, and the ConfigMap with the CA: ca.yaml.
set -eu
cd "$(dirname "$0")"
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=Inside" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=quote" \
    -keyout server.key -out server.csr 2>/dev/null
echo "subjectAltName=DNS:quote.inside.example" > server.ext
openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 1 -days 30 -extfile server.ext \
    -out server.crt 2>/dev/null
rm server.csr server.ext
cat > ca.yaml <<CONFIGMAP
apiVersion: v1
kind: ConfigMap
metadata:
  name: inside
data:
  ca.crt: |
$(sed 's/^/    /' ca.crt)
CONFIGMAP
