#!/usr/bin/env bash
#
# check_rooms.sh — lower rooms never include upper ones, and each room keeps its promises.
#
# A quoted include is written from src/ ("base/arena.h") or names a file beside the including one.
# What each room may include is the table below; nobody includes tests/. The program sees kiln.h and
# the tools of base (JSON, names, statuses), the bindings kiln.h alone.

set -u
cd "$(dirname "$0")/.."

# may ROOM: the rooms it may include. "top" is src/ itself: the public API, kiln.h with
# kiln_layers.h, and kiln_formats.h.
may() {
    case $1 in
    base)    echo base ;;
    kernels) echo base kernels ;;
    layers)  echo base kernels layers ;;
    ref)     echo base kernels layers ref ;; # the twins take the shapes of what they mirror
    data)    echo base data ;;
    net)     echo base kernels layers ref net ;;
    train)   echo base kernels layers net data train ;;
    formats) echo base kernels layers data net train formats ;;
    api)     echo base kernels layers ref data net train formats api top ;;
    top)     echo base top ;;
    cli)     echo base cli kiln.h kiln_formats.h ;;
    examples) ;; # what is installed, by <kiln.h>
    *)       return 1 ;;
    esac
}

errors=0
error() {
    echo "$*" >&2
    errors=$((errors + 1))
}

# room_of PATH (below src/): its first folder, or "top".
room_of() { case $1 in */*) echo "${1%%/*}" ;; *) echo top ;; esac }

check_include() { # FILE LINE NAME
    local file=$1 line=$2 name=$3 room target

    room=$(room_of "${file#src/}")
    if [ -f "src/$name" ]; then target=$name
    elif [ -f "$(dirname "$file")/$name" ]; then
        target=$(realpath --relative-to=src "$(dirname "$file")/$name")
    else
        error "$file:$line: \"$name\" is neither below src/ nor beside the file"
        return
    fi
    [ "$room" = cli ] && case $target in kiln.h | kiln_formats.h) return ;; esac
    case " $(may "$room") " in
    *" $(room_of "$target") "*) ;;
    *) error "$file:$line: $room may not include $target (only: $(may "$room"))" ;;
    esac
}

files=$(find src -name '*.[ch]' | sort)
for file in $files; do
    may "$(room_of "${file#src/}")" >/dev/null || error "$file: not a room of CONTRIBUTING.md"
done

while IFS=: read -r file line text; do
    name=${text#*\"}
    check_include "$file" "$line" "${name%%\"*}"
done < <(grep -nHE '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' $files)

# refuse REGEX SENTENCE FILE...: no line of these files may match.
refuse() {
    local regex=$1 sentence=$2 hit

    shift 2
    [ $# -gt 0 ] || return 0
    while read -r hit; do error "$hit: $sentence"; done < <(grep -nHE "$regex" "$@" | cut -c 1-90)
}

# outside REGEX: the files whose names do not match.
outside() { echo "$files" | grep -vE "$1"; }
others() { echo "$files" | grep -vxF "$1"; }
library=$(echo "$files" | grep -vE '^src/(cli|examples)/')
kernels=$(echo "$files" | grep '^src/kernels/')

# A kind is a row, not a number: who asks which one a layer is compares pointers to rows, functions
# of rows, or names. So outside the rows nobody may have a row, compare a member that is a function,
# or write a kind's name as a text of its own, whatever the variables are called. The table of a
# format, and the plan, which makes two kinds that nobody writes, find kinds by name; an option and
# a preset are called as the kinds they are about.
rows='^src/net/(kinds\.[ch]|kind_[a-z]*\.c)$'
kinds=$(sed -nE 's/^ {8}\.name = ("[a-z]+"),$/\1/p' src/net/kind_*.c | sort -u | paste -sd'|')
[ "$(echo "$kinds" | tr '|' '\n' | wc -l)" -ge 15 ] || error "src/net/kind_*.c: no names of kinds"

# shellcheck disable=SC2046,SC2086  # lists of file names without spaces
{
    refuse '#[[:space:]]*include[[:space:]]*<([a-z0-9]*intrin|wasm_simd128|arm_neon)\.h>' \
        'intrinsics belong in base/simd.h' $(others src/base/simd.h)
    refuse '\b(f?printf|puts|putchar|perror|abort|exit)[[:space:]]*\(' \
        'the library neither prints nor ends the program' $library
    refuse '\b(malloc|calloc|realloc|kiln_fail|kiln_fail_at)[[:space:]]*\(' \
        'kernels neither allocate nor fail' $kernels
    refuse '\b(rand|srand|time|clock)[[:space:]]*\(' \
        'randomness comes from base/rng.h, and no result depends on a clock' \
        $(echo "$library" | grep -E '^src/(kernels|layers|ref|data|train)/')
    refuse 'switch[[:space:]]*\([^)]*(layer|net|plan|\bl)\b[^)]*\bkind\b' \
        'what is known of a layer kind stands in its row: net/kinds.h' $files
    refuse '\bkiln_(kinds_[a-z]|kind_families)' \
        'nobody asks which kind a layer is; its row says what it does' $(outside "$rows")
    refuse '(->|\.)(infer|forward|backward|twin|objective|loss) *[!=]= *&?[a-z]' \
        'nobody asks which kind a layer is; its row says what it does' $(outside "$rows")
    refuse '\bkiln_kind_(named|at)\(' \
        'kinds are found by name where plans are made' \
        $(outside '^src/net/(kinds\.[ch]|plan\.c|notation\.c)$')
    refuse "(^|[^(])($kinds)|cmp\\([^;]*($kinds)" \
        'a name of a kind stands in its row; what differs by kind is a member of the row' \
        $(outside "$rows" | grep -E '^src/(net|train|formats|cli)/' |
            grep -vxE 'src/(formats/(onnx|pytorch|tfjs)_layers|train/options|train/presets)\.c')
}

scripts() { find "$@" -name '*.ts' 2>/dev/null; }
# shellcheck disable=SC2046
{
    refuse "from ['\"][./]*/(web|tests)/" 'bindings know neither the page nor the tests' \
        $(scripts bindings)
    refuse "from ['\"][./]*/(tests|src)/" 'the page knows the bindings only' $(scripts web)
}

[ "$errors" = 0 ] || { echo "rooms: $errors errors" >&2; exit 1; }
echo "rooms: $(echo "$files" | wc -l) files include only what their rooms may"
