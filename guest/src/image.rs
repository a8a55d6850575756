//! What is done last before the image is taken that every instance starts from.
//!
//! An instance shares the pages of the image until it writes to them. What it allocates would lie in the holes that the
//! making of the engine has left, one here and one there, and make a page of its own of each. So all holes are taken for good: then
//! it lies together, behind everything else.
#![expect(unsafe_code, reason = "the free blocks of QuickJS's arenas are reached through its allocator only")]

use core::{arch::wasm32::memory_size, cell::Cell, hint::black_box, mem};

use rquickjs::{Ctx, Object, qjs};

/// Bytes of the longest blocks that holes are filled with.
const LONGEST: usize = 64 << 10;

/// More of them than there is room for.
const MOST: usize = 256;

/// Bytes of the allocator's own before each block, and of what it rounds up to.
const HEADER: usize = 16;

/// Bytes of a page of the host's.
const PAGE: usize = 4 << 10;

/// Where on its page the engine's heap begins: where few pages have what each call writes. `tests/density.rs` notices.
const OFFSET: usize = 4;

/// The longest block that QuickJS takes from an arena, its header left out.
const LONGEST_OF_ARENA: usize = 504;

/// Bytes of the one hole that is left.
const ROOM: usize = 2 << 10;

thread_local! {
    /// The hole, while the engine is made. It is beside what each call writes to, so that what a short script takes needs no page of its own.
    static NEST: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Fills the page up to which the heap is used, so that what comes next lies as it does whatever is before.
pub(crate) fn begin_page() {
    let behind = address(&take(LONGEST));
    mem::forget(take((PAGE + OFFSET - behind % PAGE) % PAGE));
    NEST.set(take(ROOM));
}

/// A block that holds nothing, so that the image does not have what was there.
fn take(bytes: usize) -> Vec<u8> {
    // The compiler would leave out what is not looked at.
    black_box(vec![0; bytes])
}

fn address(block: &Vec<u8>) -> usize {
    block.as_ptr() as usize
}

/// Sees to it that what instances write to lies together.
pub(crate) fn gather(ctx: &Ctx<'_>) {
    fill_holes(ctx);
    drop(NEST.take());
    // QuickJS has all objects in a list, and writes to the last where it adds one: this one, for good.
    if let Ok(last) = Object::new(ctx.clone()) {
        mem::forget(last);
    }
}

/// Fills every hole of the heap.
fn fill_holes(ctx: &Ctx<'_>) {
    // Blocks of this length until the memory has to grow: the last of them lie one behind the other, behind everything else.
    let mut blocks = Vec::with_capacity(MOST);
    let whole = memory_size::<0>();
    while memory_size::<0>() == whole {
        blocks.push(take(LONGEST));
    }
    blocks.sort_unstable_by_key(address);
    let mut behind = blocks.last().map_or(0, address);
    while let Some(block) = blocks.pop() {
        if behind - address(&block) <= LONGEST + HEADER {
            behind = address(&block);
        } else {
            mem::forget(block);
        }
    }
    // It would leave a hole itself.
    drop(blocks);
    for size in (1..LONGEST).rev().step_by(4) {
        loop {
            let block = take(size);
            if address(&block) >= behind {
                break;
            }
            mem::forget(block);
        }
    }
    // What follows begins with a page, with its header of 8 bytes, of which 4 are this one's; and so does what follows that.
    let fill_page = |behind: usize| mem::forget(take(PAGE - behind % PAGE + 4));
    fill_page(behind);
    let ctx = ctx.as_raw().as_ptr();
    for size in (8..=LONGEST_OF_ARENA).step_by(8) {
        // The last is the first of a new arena, and stays as well: one that is empty is freed, and would be made anew for each
        // evaluation.
        // SAFETY: the context is alive, and so is its allocator. The block is not used.
        while (unsafe { qjs::js_mallocz(ctx, size as qjs::size_t) } as usize) < behind {}
    }
    let behind = address(&take(1));
    fill_page(behind);
}
