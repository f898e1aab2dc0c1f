#!/usr/bin/env bash
#
# check_style.sh — what of the style guide a script can see: lengths, guards, names, white space.

set -u
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8

MAX_COLUMNS=100
MAX_LINES=450       # "about 400", with room for one more function before a file is split
MAX_TEST_LINES=650  # one test file a source file, and its cases are tables
MAX_FUNCTION=75     # "about 60", counted between the braces

errors=0
error() {
    echo "$*" >&2
    errors=$((errors + 1))
}

# refuse REGEX SENTENCE FILE...: no line may match.
refuse() {
    local regex=$1 sentence=$2 hit

    shift 2
    [ $# -gt 0 ] || return 0
    while read -r hit; do error "$hit: $sentence"; done \
        < <(grep -nHE -- "$regex" "$@" | cut -d: -f1,2)
}

if git rev-parse --git-dir >/dev/null 2>&1; then
    mapfile -t all < <(git ls-files -co --exclude-standard | sort | while read -r f; do
        [ -f "$f" ] && echo "$f"; done)
else
    mapfile -t all < <(find . \( -name build -o -name node_modules -o -name data -prune \) -o \
        -type f -print | sed 's,^\./,,' | sort)
fi

# only REGEX: the files whose names match.
only() { printf '%s\n' "${all[@]}" | grep -E "$1"; }
mapfile -t text < <(only '\.(c|h|ts|mjs|js|sh|css|html|json|mk|md)$|(^|/)(Makefile|run)$' |
    grep -vE '^package-lock\.json$')
mapfile -t code < <(only '\.(c|h|ts|mjs|js|sh|mk)$|(^|/)(Makefile|run)$')
mapfile -t c_files < <(only '\.[ch]$')
mapfile -t sources < <(only '\.(c|h|ts|mjs)$')

# --- white space and forbidden words --------------------------------------------------------------

refuse "^.{$((MAX_COLUMNS + 1)),}" "longer than $MAX_COLUMNS columns" "${code[@]}"
refuse '[[:space:]]$' 'white space at the end of the line' "${text[@]}"
tab=$'\t'
mapfile -t spaced < <(printf '%s\n' "${text[@]}" | grep -vE '(^|/)Makefile$|\.mk$')
refuse "$tab" 'a tab' "${spaced[@]}"
mapfile -t words < <(printf '%s\n' "${text[@]}" | grep -vx 'tests/check_style.sh')
refuse '\b(TODO|FIXME|XXX)\b' 'unfinished work is an issue, not a comment' "${words[@]}"
refuse '(^|[^[:alnum:]._-])/(home|root|work|Users)/' 'a path of one machine' "${words[@]}"
# Terms that gave way to those of the field: transient, fused group, transposed, flipped, capacity.
refuse '\bfleeting|\bstretch(es)? of layers|\bkiln_stretch|\bturned_|_turned\b' \
    'a term that is gone: see "Words" in src/README.md' "${words[@]}"
for file in "${text[@]}"; do
    [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || error "$file: no newline at the end"
done

# --- the top level --------------------------------------------------------------------------------

top='\.(clang-format|editorconfig|gitignore|npmrc)|LICENSE|Makefile|jest\.config\.js'
top+='|(README|CONTRIBUTING|SECURITY|CHANGELOG)\.md|(package|package-lock|tsconfig)\.json'
while read -r name; do
    error "$name: what is it doing at the top level?"
done < <(only '^[^/]+$' | grep -vxE "$top")

# --- sizes ----------------------------------------------------------------------------------------

for file in "${sources[@]}"; do
    lines=$(wc -l < "$file")
    case $file in tests/*) max=$MAX_TEST_LINES ;; *) max=$MAX_LINES ;; esac
    [ "$lines" -le "$max" ] || error "$file: $lines lines, more than $max"
done

while read -r hit; do error "$hit"; done < <(awk -v max="$MAX_FUNCTION" '
    /^\{/ { open = FNR }
    /^\}/ && open {
        lines = FNR - open - 1
        if (lines > max) print FILENAME ":" open ": a function of " lines " lines, more than " max
        open = 0
    }' "${c_files[@]}")

# --- names and heads ------------------------------------------------------------------------------

# guard PATH, as a pattern: src/base/rng.h has KILN_BASE_RNG_H, a header of the tests any of kiln's.
guard() {
    case $1 in
    src/kiln.h) echo KILN_H ;;
    tests/*) echo 'KILN_[A-Z_]*_H' ;;
    *) echo "${1#src/}" | tr 'a-z/.' 'A-Z__' | sed 's/^/KILN_/' ;;
    esac
}

for file in "${c_files[@]}"; do
    [ "$(head -c 2 "$file")" = '/*' ] || error "$file: opens with no comment that says what it is"
    case $file in
    *.h)
        name=$(guard "$file")
        grep -qx "#ifndef $name" "$file" && grep -qx "#define $name" "$file" ||
            error "$file: the guard is not $name" ;;
    esac
done

while read -r name; do
    error "$name: the name occurs more than once: $(only "(^|/)${name//./\\.}\$" | paste -sd' ')"
done < <(printf '%s\n' "${all[@]}" | grep -E '\.(c|h|ts|mjs|sh|css)$' | grep -vE '(^|/)index\.ts$' |
    sed 's,.*/,,' | sort | uniq -d)

# --- the guide ------------------------------------------------------------------------------------

pages=(README.md CONTRIBUTING.md src/README.md emsdk-config/README.md)

# cited REGEX: "page:name" of what stands in code quotes or in a command, and matches.
cited() { grep -oHE "$1" "${pages[@]}" | tr -d '`' | sort -u; }

# anywhere GLOB: is there a file of such a name, in whichever folder?
anywhere() {
    local file

    # shellcheck disable=SC2053  # a pattern it is
    for file in "${all[@]}"; do [[ ${file##*/} == $1 ]] && return; done
    return 1
}

# A file or folder that a page for people names has to be there; <name>, NAME and * stand for any.
# The name of a source alone, or below src/, is looked for as well.
while IFS=: read -r page name; do
    glob=$(sed -E 's/<[a-z]+>|\b[A-Z]{2,}\b/*/g' <<< "$name")
    compgen -G "$glob" >/dev/null || compgen -G "src/$glob" >/dev/null ||
        { [[ $glob != */* ]] && anywhere "$glob"; } ||
        error "$page: names $name, which is not there"
done < <({
    cited '`(src|bindings|web|tests|emsdk-config)/[^`: ]+`'
    cited '`[^`: ]*[A-Za-z0-9_*>-]\.(c|h|ts|mjs|sh|mk)`'
} | grep -vE ':(build/|\.)' | sort -u)

# So has a function, and a target of make.
while IFS=: read -r page name; do
    grep -rqE "\\b$name\\b" src || error "$page: names $name, which is not there"
done < <(cited '`kiln_[a-z0-9_]+(\(\))?`' | tr -d '()')
mapfile -t makefiles < <(only '(^|/)Makefile$|\.mk$')
while IFS=: read -r page name; do
    grep -qE "^${name#make }:" "${makefiles[@]}" || error "$page: names $name, which is no target"
done < <(cited '(^|`|&& )make [a-z][a-z-]+( |`|$)' | sed -E 's/:&& /:/; s/ $//')

for entry in $(printf '%s\n' "${all[@]}" | grep / | cut -d/ -f1 | sort -u); do
    case $entry in
    src | bindings | web | tests | emsdk-config | .ci) ;;
    *) error "$entry/: not a folder that the project has at its top" ;;
    esac
done

[ "$errors" = 0 ] || { echo "style: $errors errors" >&2; exit 1; }
echo "style: ${#all[@]} files keep it"
