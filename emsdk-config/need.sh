#!/usr/bin/env bash
#
# need.sh THING... — make sure that the named things are on this machine.
#
# What is missing is installed from Debian's packages, after one sentence that says so. Where that
# is not possible (no Debian, no root), the sentence names what a person has to install by hand.

set -euo pipefail

fail() { echo "kiln: $*" >&2; exit 1; }

has_header() { printf '%s\n' "$1" | cc -E -x c - >/dev/null 2>&1; }

cmocka_includes='#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>'

find_browser() {
    local name

    if [ -n "${CHROMIUM:-}" ]; then
        command -v "$CHROMIUM" >/dev/null || fail "CHROMIUM=$CHROMIUM is no program"
        return 0
    fi
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null; then return 0; fi
    done
    return 1
}

has_openblas() { /sbin/ldconfig -p | grep -q 'libopenblas\.so\.0'; }

# probe THING: is it here?
probe() {
    case $1 in
    zlib)     has_header '#include <zlib.h>' ;;
    png)      has_header '#include <png.h>' ;;
    jpeg)     has_header '#include <stdio.h>
#include <jpeglib.h>' ;;
    cmocka)   has_header "$cmocka_includes" ;;
    clang)    command -v clang-19 >/dev/null || command -v clang >/dev/null ;;
    fuzzer)   echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' |
                  clang-19 -fsanitize=fuzzer,address -x c - -o /dev/null 2>/dev/null ;;
    chromium) find_browser ;;
    firefox)  command -v firefox-esr >/dev/null ;;
    webkit)   command -v WebKitWebDriver >/dev/null ;;
    xvfb)     command -v Xvfb >/dev/null ;;
    curl)     command -v curl >/dev/null ;;
    man)      command -v man >/dev/null ;;
    zsh)      command -v zsh >/dev/null ;;
    pkg-config) command -v pkg-config >/dev/null ;;
    parallel) parallel --version 2>/dev/null | grep -q '^GNU parallel' ;;
    python3)  command -v python3 >/dev/null ;;
    torch)    /usr/bin/python3 -c 'import torch' 2>/dev/null ;;
    numpy)    /usr/bin/python3 -c 'import numpy' 2>/dev/null ;;
    onnx)     /usr/bin/python3 -c 'import onnx' 2>/dev/null ;;
    pdftex)   command -v pdflatex >/dev/null ;;
    openblas) has_openblas ;;
    llvm)     command -v clang-19 >/dev/null && command -v wasm-ld-19 >/dev/null &&
                  command -v llvm-ar-19 >/dev/null ;;
    npm)      command -v npm >/dev/null ;;
    node)     node -e 'const [a, b] = process.versions.node.split(".").map(Number);
                  process.exit(a > 22 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)' ||
                  fail "Node $(node --version 2>/dev/null || echo '(none)') is too old for the" \
                       "JavaScript tools: 20.19 or later, or 22.12 or later, is needed" ;;
    gcc | g++) command -v "$1" >/dev/null ;;
    *)        fail "need.sh: unknown thing '$1'" ;;
    esac
}

# packages THING: Debian's packages that bring it.
packages() {
    case $1 in
    zlib)     echo zlib1g-dev ;;
    png)      echo libpng-dev ;;
    jpeg)     echo libjpeg-dev ;;
    cmocka)   echo libcmocka-dev ;;
    clang)    echo clang-19 ;;
    fuzzer)   echo clang-19 libclang-rt-19-dev ;;
    chromium) echo chromium fonts-dejavu-core ;;
    firefox)  echo firefox-esr ;;
    webkit)   echo webkit2gtk-driver ;;
    torch)    echo python3-torch ;;
    numpy)    echo python3-numpy ;;
    onnx)     echo python3-onnx ;;
    pdftex)   echo texlive-latex-base ;;
    openblas) echo libopenblas0-pthread ;;
    man)      echo man-db ;;
    pkg-config) echo pkgconf ;;
    llvm)     echo clang-19 lld-19 llvm-19 ;;
    *)        echo "$1" ;;
    esac
}

missing=()
wanted=()
for thing; do
    if ! probe "$thing"; then
        missing+=("$thing")
        for package in $(packages "$thing"); do wanted+=("$package"); done
    fi
done
[ ${#missing[@]} -gt 0 ] || exit 0

command -v apt-get >/dev/null ||
    fail "missing: ${missing[*]}. This is not a Debian machine: install them by its own package" \
         "manager (Debian calls them ${wanted[*]}) and run the command again."

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
        fail "missing: ${missing[*]}, and neither root nor sudo is at hand." \
             "Ask for: apt-get install ${wanted[*]}"
    as_root=(sudo)
fi

echo "kiln: missing: ${missing[*]}. Installing into the system with apt-get: ${wanted[*]}" >&2

apt() { # Other apt runs may hold the locks: wait for them.
    local try

    for try in 1 2 3 4 5 6; do
        if "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq \
            -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "$@" >&2; then return 0; fi
        [ "$try" = 6 ] || sleep 5
    done
    return 1
}

apt update || echo "kiln: apt-get update failed; trying with the lists there are" >&2
apt install -y --no-install-recommends "${wanted[@]}" ||
    fail "apt-get could not install ${wanted[*]}. See its messages above."

for thing in "${missing[@]}"; do
    probe "$thing" || fail "${thing} is still missing after installing $(packages "$thing")"
done
