#!/usr/bin/env bash
#
# check_headers.sh EXPORTS LIBRARY — every header compiles alone, kiln.h in C99 and in C++ too, and
# what is public is told from the inside by its names.
#
# EXPORTS lists what kiln.h marks as public, LIBRARY is libkiln.a as it ships. CC and FLAGS come
# from the Makefile.

set -u
cd "$(dirname "$0")/.."
exports=$1 library=$2
api='src/kiln.h src/kiln_layers.h src/kiln_formats.h'

errors=0
error() {
    echo "$*" >&2
    errors=$((errors + 1))
}

# --- headers alone --------------------------------------------------------------------------------

mapfile -t headers < <(find src -name '*.h' | sort)
for header in "${headers[@]}"; do
    # shellcheck disable=SC2086  # FLAGS are words
    $CC $FLAGS -fsyntax-only -x c "$header" || error "$header: does not compile alone"
done
for language in 'gcc -x c -std=c99' 'g++ -x c++ -std=c++11' 'g++ -x c++ -std=c++20'; do
    for header in $api; do
        $language -Wall -Wextra -Wpedantic -Werror -fsyntax-only "$header" ||
            error "$header: does not compile alone by $language"
    done
done

# --- names ----------------------------------------------------------------------------------------

# names FILE...: functions, enumerators, types and macros that headers declare.
names() {
    sed -E 's,/\*[^*]*\*/,,g' "$@" | sed '/\/\*/,/\*\//d' |
        grep -oE '\b(kiln_[a-z0-9_]+|KILN_[A-Z0-9_]+)\b' | sort -u
}
mapfile -t public < <(sed -n 's/^_\(kiln_\)/\1/p' "$exports")

# shellcheck disable=SC2086  # names without spaces
{
    declared=$(cat $api | grep -cE '^KILN_API ')
    unmarked=$(grep -nE '^[a-z].*\bkiln_[a-z0-9_]+\(' $api | grep -vE ':KILN_API ')
    known=$(names $api)
}
[ "$declared" = "${#public[@]}" ] || error "$api: $declared marks, ${#public[@]} exports"
[ -z "$unmarked" ] || error "not marked by KILN_API: $unmarked"

# Errors are made and told by one file: base/status.h declares these three as well.
shared='^(kiln_error|kiln_error_column|KILN_STATUS_CODES|KILN_OK|KILN_E_[A-Z]+)$'
mapfile -t inside < <(printf '%s\n' "${headers[@]}" |
    grep -vE '^src/(kiln(_layers|_formats)?\.h|cli/)')
for file in "${inside[@]}"; do
    both=$(comm -12 <(echo "$known") <(names "$file") | grep -vE "$shared" | paste -sd' ')
    [ -z "$both" ] || error "$file: names what is public: $both"
done

shown=$(nm -g --defined-only "$library" | awk 'NF == 3 { print $3 }' | sort)
[ "$shown" = "$(printf '%s\n' "${public[@]}" | sort)" ] ||
    error "$library: does not show exactly what is public"

[ "$errors" = 0 ] || { echo "headers: $errors errors" >&2; exit 1; }
echo "headers: ${#headers[@]} compile alone; ${#public[@]} functions are public, and no other name"
