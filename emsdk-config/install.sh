#!/usr/bin/env bash
#
# install.sh LAUNCHER — find or install the pinned Emscripten, then write LAUNCHER, a program that
# runs its emcc. The ways, in order:
#
#   1. an emcc of the pinned version on the PATH;
#   2. emsdk, where its downloads can be reached;
#   3. Debian's packages: clang, lld and llvm from the machine's own release (installed normally and
#      announced), Emscripten, Binaryen and acorn from Debian 13, unpacked into a private folder.
#      (acorn as well, because the package of the release would bring its own old Node along.)
#
# The private folder is $KILN_TOOLCHAIN, or kiln/ in the user's cache folder, so that `make clean`
# and a second checkout do not fetch 250 MB again. Nothing of Debian 13 enters the system.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
version=$(cat "$here/VERSION")
launcher=${1:?usage: install.sh LAUNCHER}
home=${KILN_TOOLCHAIN:-${XDG_CACHE_HOME:-$HOME/.cache}/kiln}

emsdk_git=https://github.com/emscripten-core/emsdk.git
emsdk_store=https://storage.googleapis.com/webassembly/emscripten-releases-builds/

say() { echo "kiln: $*" >&2; }
fail() { say "$@"; exit 1; }

# write_launcher EMCC [EM_CONFIG]
write_launcher() {
    mkdir -p "$(dirname "$launcher")"
    cat > "$launcher.new" <<END
#!/bin/sh
# Written by emsdk-config/install.sh: runs Emscripten $version.
[ -x "$1" ] || { echo "kiln: $1 is gone; run: rm $launcher && make toolchain" >&2; exit 1; }
[ -z "${2:-}" ] || export EM_CONFIG="${2:-}"
exec "$1" "\$@"
END
    chmod +x "$launcher.new"
    "$launcher.new" --version 2>/dev/null | head -n 1 | grep -qw "$version" ||
        fail "$1 does not answer as Emscripten $version"
    mv "$launcher.new" "$launcher"
    say "Emscripten $version is $1"
}

# --- 1. on the PATH ---------------------------------------------------------------------------

on_path() {
    command -v emcc >/dev/null && emcc --version 2>/dev/null | head -n 1 | grep -qw "$version"
}

# --- 2. emsdk ---------------------------------------------------------------------------------

emsdk_emcc=$home/emsdk-$version/upstream/emscripten/emcc

emsdk_reachable() {
    timeout 10 git ls-remote --exit-code "$emsdk_git" "refs/tags/$version" >/dev/null 2>&1 &&
        timeout 10 node -e "fetch('$emsdk_store', { method: 'HEAD' })
            .then(() => process.exit(0), () => process.exit(1))" 2>/dev/null
}

emsdk_install() {
    local folder=$home/emsdk-$version

    "$here/need.sh" python3
    say "fetching emsdk $version into $folder"
    rm -rf "$folder"
    mkdir -p "$home"
    git -c advice.detachedHead=false clone -q --depth 1 --branch "$version" \
        "$emsdk_git" "$folder" >&2 &&
        "$folder/emsdk" install "$version" >&2 && "$folder/emsdk" activate "$version" >&2
}

# --- 3. Debian's packages ---------------------------------------------------------------------

debian=$home/emscripten-$version-debian
debian_emcc=$debian/usr/share/emscripten/emcc
debian_packages=(emscripten binaryen node-acorn libc6 libstdc++6 libgcc-s1)

# The machine's own Debian mirror, so that a local mirror is used where one is set.
debian_mirrors() {
    apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 2>/dev/null |
        sort -u
    echo http://deb.debian.org/debian
}

# debian_fetch MIRROR FOLDER: Debian 13's packages, with a source list and state of their own.
debian_fetch() {
    local state=$2/apt
    local options=(-qq -o "Dir::Etc::sourcelist=$state/sources.list" -o Dir::Etc::sourceparts=-
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
        -o "Dir::State=$state/state" -o "Dir::State::status=$state/status"
        -o "Dir::Cache=$state/cache" -o APT::Sandbox::User= -o APT::Get::List-Cleanup=0)

    rm -rf "$state"
    mkdir -p "$state/state/lists/partial" "$state/cache/archives/partial"
    : > "$state/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 trixie main" \
        > "$state/sources.list"
    apt-get "${options[@]}" update >&2 &&
        (cd "$2" && apt-get "${options[@]}" download "${debian_packages[@]}" >&2)
}

# The prebuilt libraries are 1.6 GB; kiln needs a fraction of them.
unpack() {
    local cache=usr/share/emscripten/cache/sysroot/lib/wasm32-emscripten package

    dpkg --fsys-tarfile "$1"/emscripten_*.deb | tar -x -C "$2" \
        --exclude="./$cache/lto*" --exclude="./$cache/pic" --exclude="./$cache/libwebgpu*" \
        --exclude="./$cache/libGL*-emu*" --exclude="./$cache/libGL*-full_es3*" \
        --exclude="./$cache/libGL*-ofb*" --exclude="./$cache/libGL*-webgl2*" \
        --exclude="./$cache/libwasmfs*" \
        --exclude=./usr/share/emscripten/test --exclude=./usr/share/doc
    dpkg -x "$1"/node-acorn_*.deb "$2"
    mkdir "$2/usr/share/emscripten/node_modules"
    ln -s ../../nodejs/acorn "$2/usr/share/emscripten/node_modules/acorn"
    mkdir "$2/binaryen"
    for package in binaryen libc6 libstdc++6 libgcc-s1; do
        dpkg -x "$1/$package"_*.deb "$2/binaryen"
    done
}

# Binaryen wants a newer libc than the system has: each program runs by the loader it came with.
wrap_binaryen() {
    local root=$1/binaryen final=$debian/binaryen program loader libraries

    loader=$(cd "$root" && find usr -name 'ld-linux*.so.*' | head -n 1)
    libraries=$(cd "$root" && find usr \( -name libc.so.6 -o -name 'libbinaryen.so*' \
        -o -name 'libstdc++.so.6' -o -name libgcc_s.so.1 \) -printf "$final/%h\n" |
        sort -u | paste -sd:)
    mkdir -p "$root/bin"
    for program in "$root"/usr/bin/*; do
        printf '#!/bin/sh\nexec "%s" --library-path "%s" "%s" "$@"\n' \
            "$final/$loader" "$libraries" "$final/usr/bin/${program##*/}" \
            > "$root/bin/${program##*/}"
        chmod +x "$root/bin/${program##*/}"
    done
}

write_config() {
    cat > "$1/em_config.py" <<END
EMSCRIPTEN_ROOT = '$debian/usr/share/emscripten'
LLVM_ROOT = '/usr/bin'
LLVM_ADD_VERSION = '19'
CLANG_ADD_VERSION = '19'
BINARYEN_ROOT = '$debian/binaryen'
NODE_JS = '$(command -v node)'
CACHE = '$debian/usr/share/emscripten/cache'
FROZEN_CACHE = True
END
}

debian_install() {
    local work mirror fetched=no

    "$here/need.sh" python3 llvm
    mkdir -p "$home"
    work=$(mktemp -d "$home/unpack.XXXXXX")
    # shellcheck disable=SC2064  # the folder's name is to be fixed now
    trap "rm -rf '$work'" EXIT
    say "fetching Debian 13's Emscripten $version (250 MB) into $debian;" \
        "nothing of it is installed into the system"
    for mirror in $(debian_mirrors); do
        if debian_fetch "$mirror" "$work"; then fetched=yes; break; fi
    done
    [ "$fetched" = yes ] ||
        fail "Debian 13's packages could not be fetched; see apt's messages above"
    mkdir "$work/root"
    unpack "$work" "$work/root"
    wrap_binaryen "$work/root"
    write_config "$work/root"
    rm -rf "$debian"
    mv "$work/root" "$debian"
}

# --- the choice -------------------------------------------------------------------------------

if on_path; then
    write_launcher "$(command -v emcc)" "${EM_CONFIG:-}"
elif [ -x "$emsdk_emcc" ]; then
    write_launcher "$emsdk_emcc"
elif [ -x "$debian_emcc" ] && [ -e "${debian_emcc%/*}/node_modules/acorn/package.json" ]; then
    "$here/need.sh" python3 llvm
    write_launcher "$debian_emcc" "$debian/em_config.py"
elif emsdk_reachable && emsdk_install; then
    write_launcher "$emsdk_emcc"
elif grep -q '^ID=debian' /etc/os-release 2>/dev/null && command -v apt-get >/dev/null; then
    debian_install
    write_launcher "$debian_emcc" "$debian/em_config.py"
else
    fail "Emscripten $version is not on the PATH, emsdk's downloads cannot be reached, and this" \
        "is not Debian. Install it with emsdk (https://emscripten.org: ./emsdk install $version," \
        "./emsdk activate $version, . ./emsdk_env.sh) and run the command again."
fi
