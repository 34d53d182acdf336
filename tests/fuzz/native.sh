# Called by bin/fuzz native [--seconds N | --runs N] [--keep] [--wide] [--coverage] [--memory] [--every-byte] [--replay=FILE].
# --keep: go on from the corpus of the last run. --wide: with the limits of the Python extension. --coverage: no fuzzing, but
# what the corpus of the last run reaches. --memory: the corpus of the last run under MemorySanitizer. --every-byte: no fuzzing,
# but a golden file of each kind cut at every length and each byte changed to all values (half an hour). PYTHON has nlucompress.
set -euo pipefail
seconds=60 runs=-1 keep='' replay='' mode=fuzz flags=()
while [ $# -gt 0 ]; do
    case $1 in
        --seconds) seconds=$2 runs=-1; shift ;;
        --runs) runs=$2 seconds=0; shift ;;
        --keep) keep=yes ;;
        --wide) flags+=(-DFUZZ_WIDE) ;;
        --coverage | --memory | --every-byte) mode=${1#--} keep=yes ;;
        --replay=*) replay=${1#*=} mode=replay keep=yes ;;
        *) echo "bin/fuzz native: no option $1" >&2; exit 2 ;;
    esac
    shift
done
CLANG=${CLANG:-clang} PYTHON=${PYTHON:-python3}
build=build/fuzz corpus=build/fuzz/corpus findings=build/fuzz/findings
mkdir -p "$build" "$findings"
if ! echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n) { return d && n ? 0 : 0; }' |
    "$CLANG" -fsanitize=fuzzer,address,undefined -x c - -o "$build/probe" 2> /dev/null; then
    echo "bin/fuzz native: no clang with libFuzzer (Debian: apt-get install clang llvm; CLANG chooses another)" >&2
    exit 77
fi
[ -n "$keep" ] || rm -rf "$corpus"
common=(-std=gnu99 -g -O2 -Wall -Wextra -Wconversion -Werror -fno-omit-frame-pointer -Inlucompress/native "${flags[@]}")
"$CLANG" -std=gnu99 -O2 -Wall -Wextra -Wconversion -Werror -c tests/fuzz/mutate.c -o "$build/mutate.o"
if [ "$mode" = every-byte ]; then
    rm -rf "$build/golden"
    PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" tests/fuzz/seeds.py "$build/golden" --golden
    "$CLANG" "${common[@]}" -fsanitize=address,undefined -fno-sanitize-recover=all tests/fuzz/every_byte.c -o "$build/every-byte"
    exec nice -n 15 "$build/every-byte" "$build"/golden/*
fi
if [ ! -d "$corpus" ] && [ "$mode" != replay ]; then
    PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" "$PYTHON" tests/fuzz/seeds.py "$corpus"
fi
case $mode in
    coverage)
        "$CLANG" "${common[@]}" -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping tests/fuzz/native.c "$build/mutate.o" -o "$build/coverage"
        LLVM_PROFILE_FILE="$build/coverage.raw" "$build/coverage" -runs=0 "$corpus" 2> "$build/coverage.log"
        "${LLVM_PROFDATA:-llvm-profdata}" merge "$build/coverage.raw" -o "$build/coverage.data"
        "${LLVM_COV:-llvm-cov}" report "$build/coverage" -instr-profile="$build/coverage.data" nlucompress/native/*.h
        "${LLVM_COV:-llvm-cov}" show "$build/coverage" -instr-profile="$build/coverage.data" nlucompress/native/*.h > "$build/coverage.txt"
        echo "line by line: $build/coverage.txt"
        exit ;;
    memory) sanitizers=memory ;;
    *) sanitizers=address,undefined ;;
esac
"$CLANG" "${common[@]}" -fsanitize="fuzzer,$sanitizers" -fno-sanitize-coverage=trace-cmp \
    -fno-sanitize-recover=all tests/fuzz/native.c "$build/mutate.o" -o "$build/native-$mode"
case $mode in
    replay) exec "$build/native-$mode" "$replay" ;;
    memory) exec "$build/native-$mode" -runs=0 -timeout=20 "$corpus" ;;
esac
log=$build/native.log
code=0
nice -n 15 "$build/native-$mode" -max_len=8192 -len_control=0 -timeout=10 -rss_limit_mb=2048 -entropic=0 \
    -print_final_stats=1 -max_total_time="$seconds" -runs="$runs" -artifact_prefix="$findings/" "$corpus" > "$log" 2>&1 || code=$?
grep -E '^stat::(number_of_executed|average|new_units|slowest|peak)' "$log" || true
[ $code -eq 0 ] || { tail -n 60 "$log" >&2; echo "bin/fuzz native: a finding, see $log and $findings" >&2; exit 1; }
