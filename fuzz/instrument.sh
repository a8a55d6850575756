#!/bin/sh
# Stands before the compiler (RUSTC_WORKSPACE_WRAPPER) and adds what `cargo fuzz --sanitizer none` adds: coverage for
# libFuzzer, checks of arithmetic and assertions, and `cfg(fuzzing)`. Cargo calls it for the packages of this workspace only, so that wasmtime is the one that is built already.
rustc=$1
shift
case " $* " in
*' proc-macro '* | *' build_script_'* | *' --print'* | *' -vV '*) exec "$rustc" "$@" ;;
esac
exec "$rustc" "$@" -Ccodegen-units=1 -Cdebug-assertions=on -Coverflow-checks=on --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares
