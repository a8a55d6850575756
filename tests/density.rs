//! What many live contexts of one process take of the system.
#![expect(clippy::unwrap_used, reason = "a test that meets an error has failed")]

use std::{fs, num::NonZeroUsize};

use aiointernal::{Context, Sandbox, js::Pool};
use futures_util::future::join_all;

const CONTEXTS: usize = 500;

/// Of these, so many get more memory than they begin with.
const GROWN: usize = 100;

/// Mappings that come and go with the rest of the process.
const OTHER: usize = 50;

/// KiB of memory of each, with the system's own tables. Measured: 105, which were 96 before there were web APIs in the image.
const KIB: usize = 109;

/// The same where the system backs with more memory than is touched.
const KIB_OF_HUGE_PAGES: usize = 137;

#[tokio::test]
async fn each_of_many_contexts_takes_little_memory_and_two_mappings_or_three_and_keeps_what_is_its_own() {
    let sandbox = Sandbox::builder().max_contexts(CONTEXTS as u32 + 1).build().unwrap();
    let pool = Pool::builder(&sandbox).threads(NonZeroUsize::new(2).unwrap()).spares(0).build().unwrap();
    // One, so that what a process has once is there.
    pool.eval("1 + 2").await.unwrap();
    let before = Taken::now();
    let opening = (0..CONTEXTS).map(async |tenant| {
        let context = pool.context(format!("tenant-{tenant}")).await.unwrap();
        context.eval(format!("globalThis.own = {tenant}")).await.unwrap();
        context
    });
    let contexts: Vec<Context> = join_all(opening).await;
    let evaluated = Taken::now();
    let is_bounded = |taken: &Taken| {
        let kib = taken.kib - before.kib;
        let huge_pages = fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").unwrap_or_default();
        let most = if huge_pages.contains("[always]") { KIB_OF_HUGE_PAGES } else { KIB };
        assert!(kib <= most * CONTEXTS, "{kib} KiB of {CONTEXTS} contexts");
    };
    is_bounded(&evaluated);
    assert!(evaluated.mappings - before.mappings <= 2 * CONTEXTS + OTHER, "{evaluated:?}, before {before:?}");

    for (tenant, context) in contexts.iter().enumerate() {
        assert_eq!(context.eval_as::<usize>("own").await.unwrap(), tenant);
    }
    is_bounded(&Taken::now());

    // More memory than a context begins with is one mapping more, however much it is.
    for context in &contexts[..GROWN] {
        context.eval("'x'.repeat(3e6).length").await.unwrap();
    }
    let grown = Taken::now();
    assert!(grown.mappings + OTHER >= evaluated.mappings + GROWN, "they have not grown: {grown:?}");
    assert!(grown.mappings - before.mappings <= 2 * CONTEXTS + GROWN + OTHER, "{grown:?}, before {before:?}");
}

/// What the process takes.
#[derive(Debug)]
struct Taken {
    /// Memory and page tables. A page that many contexts map counts once.
    kib: usize,
    mappings: usize,
}

impl Taken {
    fn now() -> Taken {
        let number = |path: &str, name: &str| -> usize {
            let text = fs::read_to_string(path).unwrap();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
        };
        Taken {
            kib: number("/proc/self/smaps_rollup", "Pss:") + number("/proc/self/status", "VmPTE:"),
            mappings: fs::read_to_string("/proc/self/maps").unwrap().lines().count(),
        }
    }
}
