#!/bin/sh
# Makes a CA and the certificate of one member, beside this script, and the Secret with the CA: ca.yaml.
set -eu
cd "$(dirname "$0")"
umask 077
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=The Club" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign \
    -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=member" \
    -keyout member.key -out member.csr 2>/dev/null
openssl x509 -req -in member.csr -CA ca.crt -CAkey ca.key -set_serial 1 -days 30 -out member.crt 2>/dev/null
rm member.csr
cat > ca.yaml <<SECRET
apiVersion: v1
kind: Secret
metadata:
  name: members-ca
data:
  tls.crt: $(base64 < ca.crt | tr -d '\n')
SECRET
