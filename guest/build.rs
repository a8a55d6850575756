//! Where the linker puts the engine's data, and whom it has QuickJS ask for local time.

/// Bytes of the stack, as the compiler has it by default.
const STACK: usize = 1 << 20;

/// Bytes by which the static data behind the stack is moved, so that what every call writes there is on one page and not on two: the
/// allocator's state and the place of results. They are enough for the stack of a short script not to need a second page either.
/// `tests/density.rs` notices where this no longer holds.
const SHIFT: usize = 2176;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=-zstack-size={}", STACK + SHIFT);
        // `__wrap_localtime_r` in `component.rs`.
        println!("cargo:rustc-link-arg-cdylib=--wrap=localtime_r");
    }
}
