//! The brake page of an instance: where the right to write to it is taken away, the instance traps at its next step.
//!
//! For a component that writes to the first page of its memory in every loop and every function, as `cargo xtask guest` makes the
//! JavaScript engine do. Such a step is one instruction that needs no register and no call, which wasmtime's epochs do, so the code around it is faster.
//!
//! What makes it safe:
//!
//! - Only compiled code writes there. The component's own code keeps the host away, in instructions that nothing in its memory
//!   changes: what its allocator gives the host, where its imports leave results, and where it has memory
//!   copied and filled are all looked at. Reading is always allowed.
//! - A fault at the page is one of compiled code, so wasmtime makes a trap of it, as of an access beyond the memory.
//! - A page is closed only while a call runs in its instance, and opened before that call has an answer, under one lock
//!   ([`Deadline`](super::deadline::Deadline)): a slot is never given back with a closed page, nor closed for who has it next.
#![expect(unsafe_code, reason = "the system's call that protects memory is unsafe by nature")]

use std::{ffi::c_void, io};

/// Whether there are brakes here: where they were tested. Elsewhere there are epochs.
pub(crate) const IS_SUPPORTED: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

/// The first page of an instance's memory.
#[derive(Debug)]
pub(super) struct Page(usize);

impl Page {
    /// The page at the beginning of a memory in which this is what lies at an address. `None`: it does not begin with a page.
    pub(super) fn before(byte: &[u8], address: usize) -> Option<Page> {
        let start = byte.as_ptr().addr().checked_sub(address)?;
        start.is_multiple_of(size()).then_some(Page(start))
    }

    /// Takes the right to write away.
    pub(super) fn close(&self) -> io::Result<()> {
        self.protect(libc::PROT_READ)
    }

    /// Gives the right to write back.
    pub(super) fn open(&self) -> io::Result<()> {
        self.protect(libc::PROT_READ | libc::PROT_WRITE)
    }

    fn protect(&self, rights: i32) -> io::Result<()> {
        // SAFETY: the page is within the memory of an instance that is alive: who has this keeps it no longer than the instance. Its rights
        // are read only or those that it had, so no read fails. No Rust code writes to it, as told above, and no reference to it
        // is there while compiled code runs, which is when it is closed.
        let done = unsafe { libc::mprotect(self.0 as *mut c_void, size(), rights) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

/// Bytes of a page. Those of the only architecture that is supported.
const fn size() -> usize {
    4096
}
