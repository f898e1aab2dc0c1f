#!/usr/bin/env bash
#
# check_libm.sh OBJECT... — the library calls nothing of libm but what IEEE 754 rounds exactly.
#
# exp and its like differ in the last bit from one libc to the next; kiln has its own. src/ref, the
# double-precision twins that measure them, may call libm and is left out by the caller.

set -euo pipefail

libm='(a?(sin|cos|tan)h?|atan2|sincos|exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|cbrt|hypot'
libm="$libm|erf|erfc|tgamma|lgamma)[fl]?"

found=$(nm -u -A "$@" | sed 's/@.*//' | awk '{ print $NF, $1 }' |
    grep -E "^$libm " || true)
if [ -n "$found" ]; then
    echo "the library calls libm:" >&2
    echo "$found" >&2
    exit 1
fi
echo "libm: none of its functions is called"
