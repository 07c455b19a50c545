#!/bin/sh
# Makes the credentials of the TLS tests with certtool, openssl and psktool.
#
#   pki.sh DIRECTORY
#
# Nothing happens if the directory exists; it appears only when it is complete.
#
#   server        server of localhost, 127.0.0.1 and ::1; believes clients of
#                 the same authority
#   server-rsa    the same with an RSA key
#   named         server of disk.example.com and *.pool.example.com
#   expired       server whose certificate was good until 2010
#   revoked       server whose certificate is on the authority's list
#   rogue         server of localhost by another authority, which its clients
#                 would believe
#   client        believes the authority, and has a certificate of its own
#   anonymous     believes the authority, has no certificate
#   careful       as anonymous, with the authority's list of revocations
#   outdated      as careful, but the list was good until 2010
#   leaf          believes just the certificate of "server"
#   stranger      as client, but with a certificate of the other authority
#   locked        as client, but the key is encrypted
#   mismatched    as client, but with a key that does not belong to it
#   malformed     believes something that is no certificate
#   keys.psk      keys of alice and bob
#   wrong.psk     another key for alice

set -eu

target=${1:?usage: pki.sh DIRECTORY}
[ ! -e "$target" ] || exit 0
work=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
exec > log 2>&1 || exit 1

template() { # NAME LINE...
    name=$1
    shift
    printf '%s\n' "$@" > "$name.template"
}

key() { # FILE [BITS-OF-RSA]
    if [ -n "${2:-}" ]; then
        certtool --generate-privkey --key-type=rsa --bits="$2" --outfile "$1"
    else
        certtool --generate-privkey --key-type=ecdsa --curve=secp256r1 --outfile "$1"
    fi
}

authority() { # NAME [BITS-OF-RSA]
    key "$1-key.pem" "${2:-}"
    template "$1" "cn = $1" ca cert_signing_key crl_signing_key 'expiration_days = 30'
    certtool --generate-self-signed --load-privkey "$1-key.pem" --template "$1.template" \
        --outfile "$1.pem"
}

# A directory with the certificate and key of one party.
party() { # NAME SERVER-OR-CLIENT AUTHORITY [BITS-OF-RSA]
    mkdir -p "$1"
    cp "$3.pem" "$1/ca-cert.pem"
    key "$1/$2-key.pem" "${4:-}"
    certtool --generate-certificate --load-privkey "$1/$2-key.pem" \
        --load-ca-certificate "$3.pem" --load-ca-privkey "$3-key.pem" \
        --template "$1.template" --outfile "$1/$2-cert.pem"
}

server() { # NAME AUTHORITY [BITS-OF-RSA] -- LINE...
    name=$1 by=$2
    shift 2
    bits=
    [ "$1" = -- ] || { bits=$1; shift; }
    shift
    template "$name" "cn = $name" tls_www_server signing_key encryption_key "$@"
    party "$name" server "$by" "$bits"
}

localhost() { # VALIDITY-LINE...
    printf '%s\n' 'dns_name = localhost' 'ip_address = 127.0.0.1' 'ip_address = ::1' "$@"
}

revocations() { # FILE LINE...
    file=$1
    shift
    template crl 'crl_number = 1' "$@"
    certtool --generate-crl --load-ca-certificate good.pem --load-ca-privkey good-key.pem \
        --load-certificate revoked/server-cert.pem --template crl.template --outfile "$file"
}

authority good
authority evil
authority weak 1024

server server good -- "$(localhost 'expiration_days = 30')"
server server-rsa good 2048 -- "$(localhost 'expiration_days = 30')"
server named good -- 'dns_name = disk.example.com' 'dns_name = *.pool.example.com' \
    'expiration_days = 30'
server expired good -- "$(localhost 'activation_date = "2009-01-01 00:00:00"' \
    'expiration_date = "2010-01-01 00:00:00"')"
server revoked good -- "$(localhost 'expiration_days = 30')"
server rogue evil -- "$(localhost 'expiration_days = 30')"
server short good 1024 -- "$(localhost 'expiration_days = 30')"
server weakly-signed weak -- "$(localhost 'expiration_days = 30')"
# A certificate that only clients may show.
template not-a-server 'cn = not-a-server' tls_www_client signing_key "$(localhost 'expiration_days = 30')"
party not-a-server server good

for name in client stranger; do
    template "$name" "cn = $name" tls_www_client signing_key encryption_key 'expiration_days = 30'
done
party client client good
party stranger client evil
cp good.pem stranger/ca-cert.pem

template short-client 'cn = short-client' tls_www_client signing_key 'expiration_days = 30'
party short-client client good 1024

mkdir anonymous careful early outdated leaf locked mismatched malformed weak
for name in anonymous careful early outdated locked mismatched; do
    cp good.pem "$name/ca-cert.pem"
done
revocations careful/ca-crl.pem 'crl_next_update = 30'
revocations outdated/ca-crl.pem 'crl_this_update_date = "2009-01-01 00:00:00"' \
    'crl_next_update_date = "2010-01-01 00:00:00"'
revocations early/ca-crl.pem 'crl_this_update_date = "2060-01-01 00:00:00"' \
    'crl_next_update_date = "2061-01-01 00:00:00"'
cp weak.pem weak/ca-cert.pem
cp server/server-cert.pem leaf/ca-cert.pem
cp client/client-cert.pem locked
# Few rounds: certtool uses 600,000, which take minutes under valgrind.
openssl pkcs8 -topk8 -in client/client-key.pem -passout pass:secret -v2 aes256 -iter 100 \
    -out locked/client-key.pem
cp client/client-cert.pem mismatched
cp stranger/client-key.pem mismatched
echo 'This is not a certificate.' > malformed/ca-cert.pem

psktool --username alice --pskfile keys.psk
psktool --username bob --pskfile keys.psk
psktool --username alice --pskfile wrong.psk

# Somebody else may have been faster.
mv -T "$work" "$target" 2> /dev/null || [ -e "$target" ]
