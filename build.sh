#!/usr/bin/env bash
# The only build tool. `./build.sh help` lists what it does.
#
# Everything made lies in build/ (or in the folder that OMG_BUILD names); fetched third-party
# archives lie in vendor/cache. A flavour is one compiler with one set of flags and has a folder of
# objects of its own: release (gcc, musl, static-pie), san (clang, sanitizers), fuzz (clang,
# sanitizers, coverage for libFuzzer).
set -euo pipefail
shopt -s nullglob globstar
cd "$(dirname "${BASH_SOURCE[0]}")"

OUT=${OMG_BUILD:-build}
[[ $OUT == /* ]] && FULL=$OUT || FULL=$PWD/$OUT
JOBS=$(nproc)
readonly OUT FULL JOBS

WARNINGS=(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wstrict-prototypes
    -Wmissing-prototypes -Wvla -Wcast-qual -Wwrite-strings -Wundef -Wformat=2 -Wswitch-enum
    -Wimplicit-fallthrough -Werror)
LANGUAGE=(-std=c11 -D_GNU_SOURCE -Isrc)
# shellcheck disable=SC2054 # gcc's own commas, here and below
SANITIZERS=(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
readonly WARNINGS LANGUAGE SANITIZERS

say() { printf '%s\n' "$*"; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }

# --- what has to be installed -------------------------------------------------------------------

RELEASE_PACKAGES=(gcc binutils libc6-dev musl-tools musl-dev linux-libc-dev xz-utils bzip2)
SAN_PACKAGES=(clang llvm)
TEST_PACKAGES=(libcmocka-dev python3-pytest python3-hypothesis mandoc shellcheck tmux strace
    lz4 zstd gzip iproute2)
LINT_PACKAGES=(clang-format clang-tidy cppcheck mandoc shellcheck)
readonly RELEASE_PACKAGES SAN_PACKAGES TEST_PACKAGES LINT_PACKAGES

# Installs the packages that are missing, or says how to. Systems without dpkg are left alone:
# there a missing tool speaks for itself.
need() {
    local state name missing=() have=" "
    command -v dpkg-query >/dev/null || return 0
    while read -r state name; do
        [[ $state == installed ]] && have+="$name "
    done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
    for name in "$@"; do
        [[ $have == *" $name "* ]] || missing+=("$name")
    done
    ((${#missing[@]} == 0)) || install_packages "${missing[@]}"
}

install_packages() {
    ((EUID == 0)) || die "missing packages; please run: sudo apt-get install --no-install-recommends $*"
    say "installing $*"
    apt_install "$@" || { apt-get update -q && apt_install "$@"; } || die "apt-get could not install: $*"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" \
        </dev/null >/dev/null
}

# The run-time library of the sanitizers is a package named after clang's own version.
need_sanitizers() {
    need "${RELEASE_PACKAGES[@]}" "${SAN_PACKAGES[@]}"
    local runtime
    runtime=$(clang -print-file-name="libclang_rt.fuzzer-$(uname -m).a")
    [[ -e $runtime ]] || need "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"
}

# --- flavours -----------------------------------------------------------------------------------

# Sets FLAVOUR and what belongs to it: CC, AR, COMMON (flags for every source), OWN (for ours),
# FOREIGN (for vendored ones), LINK.
flavour() {
    FLAVOUR=$1
    OBJ=$OUT/obj/$FLAVOUR
    CC=(clang) AR=llvm-ar
    case $FLAVOUR in
    release)
        CC=(gcc -specs="$OUT/musl.specs") AR=gcc-ar
        COMMON=(-O2 -g0 -fPIE -ffunction-sections -fdata-sections -fstack-protector-strong
            -fno-asynchronous-unwind-tables -U_FORTIFY_SOURCE -isystem "$OUT/kernel")
        OWN=(-flto=auto -fmax-errors=6) FOREIGN=()
        # shellcheck disable=SC2054
        LINK=(-O2 -fPIE -flto=auto -s -Wl,--gc-sections,--build-id=none,-z,relro,-z,now,-z,noexecstack)
        ;;
    san | fuzz)
        COMMON=(-O1 -g "${SANITIZERS[@]}")
        [[ $FLAVOUR == fuzz ]] && COMMON+=(-fsanitize=fuzzer-no-link)
        # Third-party code may rely on what the undefined sanitizer reports; memory errors count.
        OWN=(-ferror-limit=6 -Wno-string-concatenation) FOREIGN=(-fno-sanitize=undefined)
        LINK=("${COMMON[@]}")
        ;;
    esac
    OWN=("${LANGUAGE[@]}" "${WARNINGS[@]}" "${OWN[@]}")
    vendor_flags
}

# Public folders of the libraries go to our code, public and private ones to vendor/*.c.
vendor_flags() {
    local name public private folder
    FOREIGN=(-w -std=gnu11 -I"$OUT/vendor" "${FOREIGN[@]}")
    while read -r name _ _ public private _; do
        [[ $name == '#'* || -z $name ]] && continue
        OWN+=(-isystem "$OUT/vendor/$name/$public")
        FOREIGN+=(-I"$OUT/vendor/$name/$public")
        [[ $private == - ]] && continue
        for folder in ${private//,/ }; do FOREIGN+=(-I"$OUT/vendor/$name/$folder"); done
    done <vendor/manifest
}

# gcc's own specs with musl's headers and start files, changed from a dynamic program to a true
# static-pie: musl-gcc -static-pie quietly links a dynamic one.
write_specs() {
    local triplet lib
    triplet=$(gcc -print-multiarch)
    lib=/usr/lib/${triplet/gnu/musl}
    [[ -e $lib/rcrt1.o ]] || die "musl's static-pie start file $lib/rcrt1.o is missing"
    awk -v lib="$lib" '
        replaced { replaced = 0; next }
        { print }
        /^\*startfile:/ { print lib "/rcrt1.o " lib "/crti.o crtbeginS.o%s"; replaced = 1 }
        /^\*endfile:/   { print "crtendS.o%s " lib "/crtn.o"; replaced = 1 }
        /^\*link:/      { print "-nostdlib -static -pie --no-dynamic-linker -z text"; replaced = 1 }
    ' "$lib/musl-gcc.specs" >"$OUT/musl.specs"
    # Only the kernel's headers: the folder they lie in holds glibc's as well.
    mkdir -p "$OUT/kernel"
    ln -sfn /usr/include/linux "$OUT/kernel/linux"
    ln -sfn /usr/include/asm-generic "$OUT/kernel/asm-generic"
    ln -sfn "/usr/include/$triplet/asm" "$OUT/kernel/asm"
}

# --- compiling ----------------------------------------------------------------------------------

# One build at a time in one folder; a second one waits. Tests run without the lock.
lock() {
    mkdir -p "$OUT"
    exec 9>"$OUT/.lock"
    flock 9
    : >"$OUT/.now"
    TOOLS="$(cat /etc/debian_version 2>/dev/null) $(gcc -dumpfullversion 2>/dev/null)"
}

unlock() { exec 9>&-; }

# Whether $1 (an object with its depfile $1.d) is older than anything it was made from. The
# object carries the time at which its build began, so that an edit during it is not missed.
stale() {
    local object=$1 words word
    [[ -e $object && -e $object.d ]] || return 0
    IFS= read -r -d '' words <"$object.d" || true
    for word in ${words#*:}; do
        [[ $word == "\\" ]] && continue
        [[ -e $word && ! $word -nt $object ]] || return 0
    done
    return 1
}

# Empties the objects' folder when the flags or the compiler are no longer those it was made with.
keep_or_forget() {
    local now="$TOOLS ${CC[*]} ${COMMON[*]} ${OWN[*]} ${FOREIGN[*]}" was=
    [[ -e $OBJ/flags ]] && IFS= read -r was <"$OBJ/flags"
    [[ $now == "$was" ]] && return
    rm -rf "$OBJ"
    mkdir -p "$OBJ"
    printf '%s\n' "$now" >"$OBJ/flags"
}

compile_one() {
    local source=$1 object=$2 flags=("${COMMON[@]}" "${OWN[@]}")
    [[ $source == vendor/* ]] && flags=("${COMMON[@]}" "${FOREIGN[@]}")
    mkdir -p "${object%/*}"
    if "${CC[@]}" "${flags[@]}" -MMD -MF "$object.d" -c "$source" -o "$object"; then
        touch -r "$OUT/.now" "$object"
    else
        rm -f "$object" "$object.d"
        return 1
    fi
}

# Compiles what is stale among the given sources, all that can be, and fails if one could not.
compile() {
    local source object running=0 failed=0
    keep_or_forget
    for source in "$@"; do
        object=$OBJ/${source%.c}.o
        stale "$object" || continue
        if ((running >= JOBS)); then
            wait -n || failed=1
            ((running -= 1))
        fi
        say "$FLAVOUR: $source"
        compile_one "$source" "$object" &
        ((running += 1))
    done
    while ((running > 0)); do
        wait -n || failed=1
        ((running -= 1))
    done
    return "$failed"
}

# Whether $1 has to be made again: something after it is newer, or its parts are not those that
# $1.parts remembers.
outdated() {
    local target=$1 part was=
    shift
    [[ -e $target && -e $target.parts ]] || return 0
    IFS= read -r was <"$target.parts" || true
    [[ $was == "$*" ]] || return 0
    for part in "$@"; do
        [[ $part == -* ]] && continue
        [[ $target -nt $part ]] || return 0
    done
    return 1
}

# The archive of every source below src and of the libraries, so that a program takes what it uses.
library() {
    local source objects=()
    LIB=$OBJ/libomg.a
    for source in src/**/*.c vendor/*.c; do
        [[ -e $OBJ/${source%.c}.o ]] && objects+=("$OBJ/${source%.c}.o")
    done
    outdated "$LIB" "${objects[@]}" || return 0
    rm -f "$LIB"
    "$AR" rcs "$LIB" "${objects[@]}" || die "$LIB could not be made"
    printf '%s\n' "${objects[*]}" >"$LIB.parts"
}

# link PROGRAM PART...: parts are objects, archives and flags.
link() {
    local program=$1
    shift
    outdated "$program" "$@" || return 0
    mkdir -p "${program%/*}"
    "${CC[@]}" "${LINK[@]}" -o "$program" "$@" || { rm -f "$program"; return 1; }
    printf '%s\n' "$*" >"$program.parts"
}

# --- the programs -------------------------------------------------------------------------------

# A program to prove the build with while there is no omg.c.
main_source() {
    MAIN=omg.c
    [[ -e omg.c ]] && return
    MAIN=$OUT/omg.c
    [[ -e $MAIN ]] || printf '%s\n' '#include <stdio.h>' '' 'int main(void)' '{' \
        '    return puts("omg: there is no omg.c yet") < 0;' '}' >"$MAIN"
}

build_release() {
    need "${RELEASE_PACKAGES[@]}"
    lock
    vendor/fetch "$OUT/vendor" || exit 1
    flavour release
    [[ $OUT/musl.specs -nt build.sh ]] || write_specs
    main_source
    compile "$MAIN" src/**/*.c vendor/*.c || die "some sources do not compile"
    library
    link "$OUT/omg" "$OBJ/${MAIN%.c}.o" "$LIB" || die "$OUT/omg does not link"
    if [[ ! $OUT/omg.checked -nt $OUT/omg ]]; then
        check_static_pie "$OUT/omg"
        ln -sfn omg "$OUT/omgd"
        : >"$OUT/omg.checked"
    fi
    unlock
}

# Fails when the system would hand the program to a dynamic loader or load it at a fixed address.
check_static_pie() {
    local headers
    headers=$(readelf -hlW "$1")
    [[ $headers != *INTERP* ]] || die "$1 asks for a dynamic loader"
    [[ $headers == *"Type:"*"DYN"* ]] || die "$1 is not position independent"
    [[ $headers == *GNU_RELRO* ]] || die "$1 has no RELRO"
}

release() {
    build_release
    say "$OUT/omg $(stat -c %s "$OUT/omg") bytes"
}

# The objects of a sanitizing flavour; with `tolerant`, as many as can be compiled.
build_objects() {
    need_sanitizers
    lock
    vendor/fetch "$OUT/vendor" || exit 1
    flavour "$1"
    main_source
    compile "$MAIN" src/**/*.c vendor/*.c || [[ ${2:-} == tolerant ]] || die "some sources do not compile"
    library
}

san() {
    build_objects san
    link "$OUT/omg-san" "$OBJ/${MAIN%.c}.o" "$LIB"
    unlock
    say "$OUT/omg-san"
}

# --- tests --------------------------------------------------------------------------------------

PASSED=0 FAILED=0 SKIPPED=0

# Builds every unit test, or those named. PROGRAMS become those that could be built.
build_unit_programs() {
    local source name sources=(tests/unit/*_test.c) failed=0
    PROGRAMS=()
    (($#)) && sources=("${@/#/tests/unit/}") && sources=("${sources[@]/%/_test.c}")
    for source in "${sources[@]}"; do [[ -e $source ]] || die "there is no $source"; done
    compile "${sources[@]}" || failed=1
    for source in "${sources[@]}"; do
        name=${source##*/} name=${name%.c}
        if [[ -e $OBJ/${source%.c}.o ]] &&
            link "$OUT/unit/$name" "$OBJ/${source%.c}.o" "$LIB" -lcmocka; then
            PROGRAMS+=("$OUT/unit/$name")
        else
            failed=1
        fi
    done
    return "$failed"
}

# Builds every fuzz target with a main that only replays its corpus, and adds it to PROGRAMS.
build_replays() {
    local source name failed=0
    compile tests/fuzz/replay.c tests/fuzz/*_fuzz.c || failed=1
    for source in tests/fuzz/*_fuzz.c; do
        name=${source##*/} name=${name%.c}
        if [[ -e $OBJ/${source%.c}.o ]] &&
            link "$OUT/replay/$name" "$OBJ/tests/fuzz/replay.o" "$OBJ/${source%.c}.o" "$LIB"; then
            PROGRAMS+=("$OUT/replay/$name")
        else
            failed=1
        fi
    done
    return "$failed"
}

# Builds what is to be tried in the program as it is released.
build_confined() {
    local source name
    build_release
    lock
    compile tests/confined/*_test.c || die "a test of confinement does not compile"
    for source in tests/confined/*_test.c; do
        name=${source##*/} name=${name%.c}
        link "$OUT/confined/$name" "$OBJ/${source%.c}.o" "$LIB" || die "$name does not link"
    done
    unlock
}

# For commands that end the shell when they fail.
apart() { ("$@"); }

# One test that is a command: silent when it passes.
check() {
    local name=$1
    shift
    if "$@" >"$OUT/log/check" 2>&1; then
        ((PASSED += 1))
    else
        ((FAILED += 1))
        say "FAILED $name"
        sed 's/^/    /' "$OUT/log/check"
    fi
}

# Runs "$@ PROGRAM" for every program read from standard input, as many at once as there are
# processors, and leaves NAME.log and NAME.status in $OUT/log.
run_all() {
    local program name running=0
    while read -r program; do
        name=${program##*/}
        if ((running >= JOBS)); then
            wait -n || true
            ((running -= 1))
        fi
        { local status=0; "$@" "$program" >"$OUT/log/$name.log" 2>&1 </dev/null || status=$?
          echo "$status" >"$OUT/log/$name.status"; } &
        ((running += 1))
    done
    wait
}

run_unit() {
    local corpus=()
    [[ $1 == */replay/* ]] && corpus=(tests/fuzz/corpus/"$(basename "$1" _fuzz)"/*)
    CMOCKA_MESSAGE_OUTPUT=TAP timeout 300 "$1" "${corpus[@]}"
}

# Adds up one program's TAP. A program that dies without saying which test failed counts as one.
tally_tap() {
    local name=$1 log=$OUT/log/$1.log status line ok=0 bad=0
    status=$(<"$OUT/log/$name.status")
    while IFS= read -r line; do
        case $line in
        *'# SKIP'*)
            ((SKIPPED += 1))
            say "skipped $name: ${line#*# SKIP}"
            ;;
        'ok '*) ((ok += 1)) ;;
        'not ok '*) ((bad += 1)) ;;
        esac
    done <"$log"
    ((status != 0 && bad == 0)) && bad=1
    ((PASSED += ok, FAILED += bad)) || true
    ((bad == 0)) && return
    say "FAILED $name (exit status $status)"
    sed 's/^/    /' "$log"
}

# Runs programs that speak TAP and adds up what they say.
tap_tests() {
    local program
    (($#)) || return 0
    printf '%s\n' "$@" | run_all run_unit
    for program in "$@"; do tally_tap "${program##*/}"; done
}

run_pytest() {
    OMG=$FULL/omg PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=$OUT/hypothesis \
        timeout 580 /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider \
        --junitxml="$OUT/log/${1##*/}.xml" "$1"
}

# Adds up one file's junit summary; no summary is one failure.
tally_pytest() {
    local name=$1 counts tests bad errors skipped
    counts=$(sed -n '1,/<testcase/s/.*<testsuite [^>]*errors="\([0-9]*\)" failures="\([0-9]*\)" skipped="\([0-9]*\)" tests="\([0-9]*\)".*/\1 \2 \3 \4/p' \
        "$OUT/log/$name.xml" 2>/dev/null | head -n 1) || true
    read -r errors bad skipped tests <<<"${counts:-1 0 0 1}"
    ((bad += errors, PASSED += tests - bad - skipped, FAILED += bad, SKIPPED += skipped)) || true
    sed -n 's/^SKIPPED /skipped /p' "$OUT/log/$name.log"
    ((bad == 0)) && return
    say "FAILED $name"
    sed 's/^/    /' "$OUT/log/$name.log"
}

end_to_end() {
    local file files=(tests/e2e/test_*.py)
    rm -f "$OUT"/log/test_*.py.xml
    printf '%s\n' "${files[@]}" | run_all run_pytest
    for file in "${files[@]}"; do tally_pytest "${file##*/}"; done
}

summary() {
    local line="$PASSED passed, $FAILED failed"
    ((SKIPPED)) && line+=", $SKIPPED skipped"
    say "$line"
    ((FAILED == 0))
}

start_tests() {
    PASSED=0 FAILED=0 SKIPPED=0
    rm -rf "$OUT/log"
    mkdir -p "$OUT/log"
}

static_checks() {
    local page pages=(man/*.[1-8])
    check "who includes whom" tests/check/layers
    check "sizes of files and functions" tests/check/sizes
    check "shellcheck" shell_lint
    for page in "${pages[@]}"; do check "mandoc $page" man_lint "$page"; done
    command -v clang-format >/dev/null && check "clang-format" format_lint
    return 0
}

test_all() {
    need "${RELEASE_PACKAGES[@]}" "${SAN_PACKAGES[@]}" "${TEST_PACKAGES[@]}"
    start_tests
    static_checks
    check "release build" apart build_release
    check "tests of confinement compile" apart build_confined
    check "manual" tests/check/manual "$OUT/omg"
    check "build with sanitizers" apart build_objects san
    build_objects san tolerant >/dev/null 2>&1
    check "unit tests compile" build_unit_programs
    check "fuzz targets compile" build_replays
    unlock
    tap_tests "$OUT"/confined/*_test "${PROGRAMS[@]}"
    end_to_end
    summary
}

# `unit [NAME...]`: only unit tests, for the hours in which another module does not compile.
unit() {
    need_sanitizers
    need libcmocka-dev
    start_tests
    build_objects san tolerant
    build_unit_programs "$@" || ((FAILED += 1))
    unlock
    tap_tests "${PROGRAMS[@]}"
    summary
}

# `e2e [FILE or pytest's arguments]`: only the end-to-end tests, with pytest's own output.
e2e() {
    build_release
    mkdir -p "$OUT/log"
    (($#)) || set -- tests/e2e
    OMG=$FULL/omg PYTHONDONTWRITEBYTECODE=1 HYPOTHESIS_STORAGE_DIRECTORY=$OUT/hypothesis \
        exec /usr/bin/python3 -m pytest -q -rs -p no:cacheprovider "$@"
}

# fuzz NAME SECONDS: finds go to $OUT/fuzz/NAME; one worth keeping is copied to the corpus by hand.
fuzz() {
    local name=${1:?fuzz needs the name of a target, as in tests/fuzz/NAME_fuzz.c} seconds=${2:-60}
    local source=tests/fuzz/${name}_fuzz.c folders=("$OUT/fuzz/$name")
    [[ -e $source ]] || die "there is no $source"
    build_objects fuzz tolerant
    compile "$source" || die "$source does not compile"
    LINK+=(-fsanitize=fuzzer)
    link "$OUT/fuzz/${name}_fuzz" "$OBJ/${source%.c}.o" "$LIB"
    unlock
    mkdir -p "${folders[0]}"
    [[ -d tests/fuzz/corpus/$name ]] && folders+=("tests/fuzz/corpus/$name")
    "$OUT/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$OUT/fuzz/$name-" "${folders[@]}"
}

# The daemon under honest and hostile clients, restarts and changes of packages.
soak() {
    build_release
    OMG=$FULL/omg PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 tests/soak/soak.py "${1:-60}"
}

# --- measuring ----------------------------------------------------------------------------------

# Programs named floor_* stand alone: they are what is left when nothing of ours runs.
bench() {
    local source name parts
    build_release
    lock
    compile tests/bench/*.c || die "a benchmark does not compile"
    for source in tests/bench/*.c; do
        name=${source##*/} name=${name%.c}
        parts=("$OBJ/${source%.c}.o")
        [[ $name == floor_* ]] || parts+=("$LIB")
        link "$OUT/bench/$name" "${parts[@]}"
    done
    unlock
    OMG=$FULL/omg OMG_BENCH=$FULL/bench PYTHONDONTWRITEBYTECODE=1 \
        exec /usr/bin/python3 tests/bench/run.py "$@"
}

# --- lint ---------------------------------------------------------------------------------------

shell_lint() { shellcheck build.sh .ci/run vendor/fetch man/generate tests/check/*; }

man_lint() {
    local said
    said=$(mandoc -T lint -W warning "$1" 2>&1) || true
    [[ -z $said ]] || { say "$said"; return 1; }
}

own_sources() { printf '%s\n' *.c src/**/*.[ch] vendor/*.c tests/**/*.[ch]; }

format() {
    need clang-format
    own_sources | xargs clang-format -i
}

format_lint() { own_sources | xargs clang-format --dry-run -Werror; }

cpp_check() {
    cppcheck -q -j "$JOBS" --std=c11 --enable=warning,performance,portability --inline-suppr \
        --error-exitcode=1 --suppress=missingIncludeSystem --suppress=unknownMacro \
        --suppress=normalCheckLevelMaxBranches -D_GNU_SOURCE -D__linux__ -Isrc \
        "$@"
}

clang_tidy() {
    printf '%s\n' "$@" | xargs -P "$JOBS" -I FILE \
        clang-tidy -quiet FILE -- "${LANGUAGE[@]}" "${OWN[@]}" -Wno-error
}

lint() {
    local sources=(omg.c src/**/*.c)
    [[ -e omg.c ]] || sources=(src/**/*.c)
    need "${RELEASE_PACKAGES[@]}" "${LINT_PACKAGES[@]}"
    lock
    vendor/fetch "$OUT/vendor" || exit 1
    unlock
    flavour san
    start_tests
    static_checks
    check "cppcheck" cpp_check "${sources[@]}"
    check "clang-tidy" clang_tidy "${sources[@]}"
    summary
}

# --- the rest -----------------------------------------------------------------------------------

# install [PREFIX]
install_all() {
    local prefix=${1:-/usr/local} page to
    [[ $prefix == /* ]] || prefix=$PWD/$prefix
    prefix=${prefix%/}
    [[ $prefix =~ ^[[:alnum:]/._+:@~\ -]*$ ]] ||
        die "'$prefix' has a character that systemd would misread in a unit"
    build_release
    to=${DESTDIR:-}$prefix
    install -D -m 755 "$OUT/omg" "$to/bin/omg"
    ln -sfn omg "$to/bin/omgd"
    for page in man/*.[1-8]; do
        install -D -m 644 "$page" "$to/share/man/man${page##*.}/${page##*/}"
    done
    completion bash "$to/share/bash-completion/completions/omg"
    completion zsh "$to/share/zsh/site-functions/_omg"
    completion fish "$to/share/fish/vendor_completions.d/omg.fish"
    units "$prefix" src/supervisor/units "$to/lib/systemd/system"
    units "$prefix" src/supervisor/units/user "$to/lib/systemd/user"
    install -D -m 644 src/supervisor/units/sysusers.d/omg.conf "$to/lib/sysusers.d/omg.conf"
    say "installed in $to"
    cat <<TEXT
Left to you, as root: a user for the powerless processes, and the daemon (man omgd):
    systemd-sysusers $(printf %q "$prefix/lib/sysusers.d/omg.conf")
    systemctl daemon-reload && systemctl enable --now omgd.socket
Or the daemon for yourself alone:
    systemctl --user daemon-reload && systemctl --user enable --now omgd.socket
TEXT
}

# Settings of whoever installs have no say in what is installed.
completion() {
    local script
    script=$(OMG_CONFIG='' "$OUT/omg" completion "$1" 2>/dev/null) || return 0
    [[ -n $script ]] && install -D -m 644 /dev/stdin "$2" <<<"$script"
}

# units PREFIX FROM TO: the units of systemd in FROM, with the place of the program written in.
units() {
    local unit text
    for unit in "$2"/*.{service,socket}; do
        text=$(<"$unit")
        install -D -m 644 /dev/stdin "$3/${unit##*/}" <<<"${text//@PREFIX@/"$1"}"
    done
}

clean() {
    rm -rf "$OUT"
    say "removed $OUT; the fetched archives stay in vendor/cache"
}

help() {
    cat <<'TEXT'
./build.sh                     build/omg, a static program
./build.sh test                every check and test
./build.sh unit [NAME...]      unit tests only: tests/unit/NAME_test.c
./build.sh e2e [ARGUMENTS]     end-to-end tests only, with pytest's arguments
./build.sh fuzz NAME SECONDS   tests/fuzz/NAME_fuzz.c under libFuzzer
./build.sh soak SECONDS         the daemon among honest and hostile clients for a while
./build.sh bench [ARGUMENTS]   measurements: tests/bench/run.py
./build.sh san                 build/omg-san, the program with sanitizers
./build.sh lint                formatting, static analysis, manual pages, scripts
./build.sh format              brings every source into shape with clang-format
./build.sh install [PREFIX]    program, manual pages, completions, units (DESTDIR is honoured)
./build.sh clean               removes what was built

OMG_BUILD=FOLDER builds elsewhere than in build; OMG_VENDOR_DIR=FOLDER takes the third-party
archives from there instead of the network.
TEXT
}

main() {
    local command=${1:-release}
    (($#)) && shift
    case $command in
    release | unit | e2e | fuzz | soak | bench | san | lint | format | clean | help) "$command" "$@" ;;
    test) test_all ;;
    install) install_all "$@" ;;
    *) help >&2; die "there is no command $command" ;;
    esac
}

main "$@"
