#!/bin/bash
# Builds the fuzz targets with libFuzzer and runs them side by side: run.sh SECONDS SOURCE_DIR MODULES... What was found stays in
# ./fuzz, with how to run it again. Ends with the numbers of targets that passed and failed.
set -u

seconds=$1 source=$2
shift 2
: "${FUZZ_CC:=clang}"
targets="decode record catalog template usdt replay query"
mkdir -p fuzz || exit 1

if ! echo 'int LLVMFuzzerTestOneInput(void); int LLVMFuzzerTestOneInput(void) { return 0; }' |
    "$FUZZ_CC" -x c -fsanitize=fuzzer,address,undefined -o fuzz/probe - 2>fuzz/probe.log; then
    echo "make fuzz needs clang with libFuzzer; ./autogen.sh --deps=all installs it. $FUZZ_CC says:" >&2
    cat fuzz/probe.log >&2
    exit 1
fi

readonly FLAGS=(-std=c11 -D_GNU_SOURCE -DPACKAGE_STRING='"h2olog fuzz"' -O1 -g -Wall -Wextra -fno-omit-frame-pointer
    -fno-sanitize-recover=all -I"$source/src" -I"$source/tests/fuzz")

# The modules are compiled once for all targets, as many at a time as there are processors. xargs adds two words to the compiler's:
# a module and its object.
# shellcheck disable=SC2016 # the inner shell expands it
build_modules() {
    local module object
    rm -rf fuzz/modules && mkdir fuzz/modules || return
    for module in "${modules[@]}" "$source/tests/fuzz/fuzz.c"; do
        object=${module#"$source/"}
        printf '%s\0' "$module" "fuzz/modules/${object//\//-}.o"
    done | xargs -0 -n 2 -P "$(nproc)" bash -c '"${@:1:$# - 2}" -c "${@: -2:1}" -o "${@: -1}"' - \
        "$FUZZ_CC" "${FLAGS[@]}" -fsanitize=fuzzer-no-link,address,undefined 2>fuzz/modules.log
}

build() { # TARGET
    "$FUZZ_CC" "${FLAGS[@]}" -fsanitize=fuzzer,address,undefined "$source/tests/fuzz/fuzz-$1.c" fuzz/modules/*.o -ldw -lelf -lpcre2-8 \
        -o "fuzz/fuzz-$1" 2>"fuzz/$1.log"
}

# Inputs that widen the coverage are kept beside the corpus, not in it. The timeout is in seconds of a clock, and a target that waits
# for a processor hangs no more than others: 0.2 s of work have taken 20 s on a busy machine.
run() { # TARGET
    mkdir -p "fuzz/found-$1"
    build "$1" && "fuzz/fuzz-$1" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 -max_len=4096 \
        -artifact_prefix="fuzz/$1-" "fuzz/found-$1" "$source/tests/fuzz/corpus/$1" >>"fuzz/$1.log" 2>&1
}

modules=()
for module in "$@"; do [[ $module != *.c ]] || modules+=("$module"); done
build_modules || { cat fuzz/modules.log >&2; exit 1; }
declare -A pids
for target in $targets; do
    run "$target" &
    pids[$target]=$!
done
passed=0 failed=0
for target in $targets; do
    if wait "${pids[$target]}"; then
        passed=$((passed + 1))
        echo "PASS: fuzz-$target: $(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "fuzz/$target.log")"
    else
        failed=$((failed + 1))
        echo "FAIL: fuzz-$target; the input is in fuzz/, run fuzz/fuzz-$target with it"
        tail -n 30 "fuzz/$target.log"
    fi
done
printf '# PASS:  %d\n# FAIL:  %d\n' "$passed" "$failed"
[[ $failed == 0 ]]
