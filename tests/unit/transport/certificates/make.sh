#!/bin/sh
# Makes the certificates of the TLS tests anew. They are valid from 2020 to 2120, so that no test
# depends on the day it runs; the keys protect nothing.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# name, common name, extension, signer ("self" or a name), last day
issue() {
  openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"
  openssl req -new -key "$1.key" -subj "/CN=$2" -out "$work/$1.csr"
  : > "$work/index"
  cat > "$work/config" <<END
[ca]
default_ca = here
[here]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
END
  printf '%s\n' "$3" > "$work/extensions"
  if [ "$4" = self ]; then signer="-selfsign -keyfile $1.key"
  else signer="-cert $4.crt -keyfile $4.key"; fi
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config "$work/config" -extfile "$work/extensions" $signer \
    -startdate 20200101000000Z -enddate "$5" -in "$work/$1.csr" -out "$1.crt"
}

issue authority "Test authority" "basicConstraints=critical,CA:TRUE" self 21200101000000Z
issue right right.test "subjectAltName=DNS:right.test" authority 21200101000000Z
issue wildcard wildcard "subjectAltName=DNS:*.wild.test" authority 21200101000000Z
issue numeric numeric "subjectAltName=IP:127.0.0.1" authority 21200101000000Z
issue expired right.test "subjectAltName=DNS:right.test" authority 20210101000000Z
issue selfsigned right.test "subjectAltName=DNS:right.test" self 21200101000000Z
rm authority.key

# Of clients: two, and one whose time is over.
issue clients "Test clients" "basicConstraints=critical,CA:TRUE" self 21200101000000Z
issue client_one one "extendedKeyUsage=clientAuth" clients 21200101000000Z
issue client_two two "extendedKeyUsage=clientAuth" clients 21200101000000Z
issue client_expired old "extendedKeyUsage=clientAuth" clients 20210101000000Z
rm clients.key
