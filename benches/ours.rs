//! The contexts that are measured.

use std::convert::Infallible;

use aiointernal::{Context, HeapThread, Limits, Sandbox, js::ModuleMap};

use crate::pipelined::QUEUE;

/// Loads everything that [`with_modules`] has.
pub(crate) const FIRST_MODULE: &str = "import('./0.mjs').then((first) => first.x)";

/// A context that may hand out what is measured.
pub(crate) fn context() -> Context {
    let mut limits = Limits::default();
    limits.result = 4 << 20;
    let sandbox = Sandbox::builder().limits(limits).build().expect("the engine compiles");
    let context = sandbox.context().queue_capacity(QUEUE).blocking().expect("there is room for a context");
    let sum: i32 = context.eval_as(crate::SUM).blocking().expect("the script is right");
    assert_eq!(sum, 3);
    context
}

/// A context with modules of which each imports so many of those behind it.
pub(crate) fn with_modules(count: usize, imports: usize) -> Context {
    let module = |module: usize| {
        let behind = (module + 1..count).take(imports);
        let imports: String =
            behind.map(|other| format!("import {{ x as x{other} }} from './{other}.mjs';\n")).collect();
        (format!("{module}.mjs"), format!("{imports}export const x = {module};\n"))
    };
    let modules: ModuleMap = (0..count).map(module).collect();
    let sandbox = Sandbox::new().expect("the engine compiles");
    let context = sandbox.context().modules(modules).queue_capacity(QUEUE).blocking();
    let context = context.expect("there is room for a context");
    let first: usize = context.eval_as(FIRST_MODULE).blocking().expect("it is there");
    assert_eq!(first, 0);
    context
}

/// A thread whose object is nothing.
pub(crate) fn nothing() -> HeapThread<()> {
    let opening = HeapThread::builder().queue_capacity(QUEUE).spawn(|| Ok::<_, Infallible>(()));
    opening.blocking().expect("the system starts a thread")
}
