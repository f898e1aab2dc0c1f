#!/usr/bin/env bash
#
# summary.sh LOGS — the closing lines of each test runner whose log lies in the folder LOGS, and the
# totals over all of them.

set -u

logs=$1
passed=0
failed=0
missing=0

not_run() {
    echo "did not run"
    missing=$((missing + 1))
}

add() {
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
}

# number REGEX FILE: the sum of the numbers that the first group of REGEX matches.
number() { sed -nE "s/$1/\\1/p" "$2" | awk '{ sum += $1 } END { print sum + 0 }'; }

echo
echo "---- cmocka (make test-c)"
if [ -s "$logs/c.log" ]; then
    # Each program closes with "[  PASSED  ] N test(s)."; the same programs run in several builds.
    awk '/^== / { split($2, part, "/"); build = part[1] }
         /^\[  PASSED  \] [0-9]+ test/ { tests[build] += $4; programs[build]++ }
         END { for (b in tests)
             printf "[  PASSED  ] %d test(s) in %d programs, %s build\n",
                 tests[b], programs[b], b }' "$logs/c.log" | sort
    grep -E '^\[  FAILED  \] [^0-9]' "$logs/c.log" | sort -u
    sed -n '/^C test programs:/,$p' "$logs/c.log"
    add "$(number '^\[  PASSED  \] ([0-9]+) test.*' "$logs/c.log")" \
        "$(number '^ *([0-9]+) FAILED TEST.*' "$logs/c.log")"
else
    not_run
fi

for suite in js web; do
    echo "---- Jest (make test-$suite)"
    if grep -q '^Tests:' "$logs/$suite.log" 2>/dev/null; then
        sed -n '/^Test Suites:/,$p' "$logs/$suite.log"
        good=$(number '^Tests:.* ([0-9]+) passed.*' "$logs/$suite.log")
        bad=$(number '^Tests:[^,]* ([0-9]+) failed.*' "$logs/$suite.log")
        if [ -s "$logs/$suite-again.log" ]; then
            echo "once more, the files that failed:"
            sed -n '/^Test Suites:/,$p' "$logs/$suite-again.log"
            still=$bad
            grep -q '^Tests:' "$logs/$suite-again.log" &&
                still=$(number '^Tests:[^,]* ([0-9]+) failed.*' "$logs/$suite-again.log")
            good=$((good + bad - still))
            bad=$still
        fi
        add "$good" "$bad"
    else
        not_run
    fi
done

echo "---- equal bits (make test-bits)"
if [ -s "$logs/bits.log" ]; then
    tail -n 1 "$logs/bits.log"
    add "$(number '^([0-9]+) passed, [0-9]+ failed.*' "$logs/bits.log")" \
        "$(number '^[0-9]+ passed, ([0-9]+) failed.*' "$logs/bits.log")"
else
    not_run
fi

echo "----"
[ "$missing" = 0 ] || echo "$missing test runners did not run"
echo "$passed passed, $failed failed"
