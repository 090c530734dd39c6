#!/bin/sh
# Asks poppler's pdfsig about signed licences.
#   tests/judges/pdfsig.sh [--root ROOT.pem] FILE.pdf…
# Fails when pdfsig is absent, when a signature is not valid, when it does not cover
# the whole document or, with --root (needs certutil too), when its chain is not trusted.
set -eu

root=
if [ "${1:-}" = "--root" ]; then
    root=$2
    shift 2
fi
if [ "$#" -eq 0 ]; then
    echo "usage: $0 [--root ROOT.pem] FILE.pdf..." >&2
    exit 2
fi
need() {
    command -v "$1" >/dev/null 2>&1 || {
        echo "没有 $1,无法核验。$1 is absent: install $2 (as root), then run again." >&2
        exit 3
    }
}
need pdfsig poppler-utils

store=$(mktemp -d)
trap 'rm -rf "$store"' EXIT
if [ -n "$root" ]; then
    need certutil libnss3-tools
    certutil -N -d "sql:$store" --empty-password
    certutil -A -d "sql:$store" -n licence-root -t "CT,C,C" -i "$root"
fi

failed=0
for file in "$@"; do
    # Without a root there is no store: an empty one makes pdfsig fail on everything.
    answer=$(pdfsig ${root:+-nssdir "sql:$store"} "$file" 2>/dev/null) || true
    fault=
    case $answer in *"Signature is Valid."*) ;; *) fault="signature is not valid" ;; esac
    case $answer in *"Signature is Invalid"*) fault="signature is not valid" ;; esac
    case $answer in *"Total document signed"*) ;; *) fault="document is not covered as a whole" ;; esac
    if [ -n "$root" ]; then
        case $answer in *"Certificate is Trusted."*) ;; *) fault=${fault:-"certificate is not trusted"} ;; esac
    fi
    if [ -n "$fault" ]; then
        failed=1
        printf '%s: %s\n%s\n' "$file" "$fault" "$answer" >&2
    else
        printf '%s: Signature is Valid\n' "$file"
    fi
done
exit "$failed"
