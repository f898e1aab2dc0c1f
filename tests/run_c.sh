#!/usr/bin/env bash
#
# run_c.sh LOG PROGRAM... — runs test programs one after the other.
#
# A program that passes shows its last line; one that fails shows everything. LOG keeps it all. A
# replay-NAME program of a fuzz target gets the files of tests/fuzz/corpus/NAME, and the seeds of
# build/fuzz/seeds/NAME.

set -u

log=$1
shift
mkdir -p "$(dirname "$log")"
: > "$log"
output=$(mktemp)
trap 'rm -f "$output"' EXIT

# Tests ask for impossible sizes on purpose: malloc then answers NULL, as it does without ASan.
export ASAN_OPTIONS=allocator_may_return_null=1
# Locals that outlive their function, except with AVX-512: gcc before 13 lays vectors of 64 bytes
# askew on the stack that this check uses, and storing one is then a segmentation fault.
grep -qsw avx512f /proc/cpuinfo || ASAN_OPTIONS+=:detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1

if [ $# = 0 ]; then
    echo "kiln: there are no C tests" | tee -a "$log" >&2
    exit 1
fi

passed=0
failed=()
for program; do
    name=${program#*/tests-c/}
    inputs=()
    case $name in
    */replay-*)
        for corpus in {tests/fuzz/corpus,build/fuzz/seeds}/"${name#*/replay-}"; do
            [ ! -d "$corpus" ] || inputs+=("$corpus")
        done ;;
    esac
    "$program" ${inputs[@]+"${inputs[@]}"} > "$output" 2>&1
    status=$?
    { echo "== $name"; cat "$output"; } >> "$log"
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        printf '%-36s %s\n' "$name" "$(grep -E 'PASSED|replayed' "$output" | tail -n 1)"
    else
        failed+=("$name")
        echo "== $name: exit status $status"
        cat "$output"
    fi
done

{
    echo "C test programs: $passed passed, ${#failed[@]} failed"
    for name in ${failed[@]+"${failed[@]}"}; do echo "  failed: $name"; done
} | tee -a "$log"
[ ${#failed[@]} = 0 ]
