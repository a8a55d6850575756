//! The brake page of an instance: where the right to write to it is taken away, the instance traps at its next step.
//!
//! For a component that writes to the first page of its memory in every loop and every function, as `cargo xtask guest` makes the
//! JavaScript engine do. Such a step is one instruction that needs no register and no call, which wasmtime's epochs do, so the code around it is faster.
//!
//! What makes it safe:
//!
//! - Only compiled code writes there. The component's own code keeps the host away, in instructions that nothing in its memory
//!   changes: what its allocator gives the host, where its imports leave results, and where it has memory
//!   copied and filled are all looked at (`xtask/src/brake.rs`). Reading is always allowed.
//! - A fault at the page is one of compiled code, so wasmtime makes a trap of it, as of an access beyond the memory.
//! - A page is closed only while a call runs in its instance, and opened before that call has an answer, under one lock
//!   ([`Deadline`](super::deadline::Deadline)): a slot is never given back with a closed page, nor closed for who has it next.
#![cfg_attr(
    target_os = "linux",
    expect(unsafe_code, reason = "the system's calls that change its memory are unsafe by nature")
)]

#[cfg(target_os = "linux")]
pub(super) use self::linux::{Page, Spare};
#[cfg(not(target_os = "linux"))]
pub(super) use self::nowhere::{Page, Spare};

/// Whether there are brakes here: where they were tested. Elsewhere there are epochs.
#[cfg(feature = "js")]
pub(crate) const IS_SUPPORTED: bool = cfg!(all(target_os = "linux", target_arch = "x86_64"));

#[cfg(target_os = "linux")]
mod linux {
    use std::{ffi::c_void, io, ptr};

    /// Bytes of a page, of the only architecture that is supported.
    const PAGE: usize = 4096;

    /// The first page of an instance's memory.
    #[derive(Debug)]
    pub(crate) struct Page(usize);

    impl Page {
        /// The page at the beginning of a memory in which this is what lies at an address. `None`: it does not begin with a page.
        ///
        /// # Safety
        ///
        /// `byte` is in the memory of an instance, at this address, and the instance keeps the host from writing to its first page. The result is
        /// closed and opened while that instance is alive only.
        #[cfg(feature = "js")]
        pub(crate) unsafe fn before(byte: &[u8], address: usize) -> Option<Page> {
            let start = byte.as_ptr().addr().checked_sub(address)?;
            start.is_multiple_of(PAGE).then_some(Page(start))
        }

        /// Where the memory begins.
        #[cfg(feature = "js")]
        pub(crate) fn address(&self) -> usize {
            self.0
        }

        /// Takes the right to write away. It may need one more mapping than the process may have.
        pub(crate) fn close(&self) -> io::Result<()> {
            self.protect(libc::PROT_READ)
        }

        /// Gives the right to write back.
        pub(crate) fn open(&self) -> io::Result<()> {
            self.protect(libc::PROT_READ | libc::PROT_WRITE)
        }

        fn protect(&self, rights: i32) -> io::Result<()> {
            // SAFETY: the instance is alive, as who made this has promised, so the page is its own. Its rights are read only or those that it had, so no read
            // fails. The host does not write to it, as was promised too.
            let done = unsafe { libc::mprotect(self.0 as *mut c_void, PAGE, rights) };
            if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
        }
    }

    /// Mappings that are kept to be given back where the process has as many as it may have, and a page is to be closed.
    #[derive(Debug, Default)]
    pub(crate) struct Spare(Option<usize>);

    /// Pages of it. Every other one can be read, so each is a mapping of its own.
    const PAGES: usize = 32;

    impl Spare {
        /// Takes them, where it has none and the process may have them.
        #[expect(clippy::arithmetic_side_effects, reason = "addresses of one mapping")]
        pub(crate) fn take(&mut self) {
            if self.0.is_some() {
                return;
            }
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
            // SAFETY: a new mapping where the system likes, which nothing has an address of.
            let start = unsafe { libc::mmap(ptr::null_mut(), PAGES * PAGE, libc::PROT_NONE, flags, -1, 0) };
            if start == libc::MAP_FAILED {
                return;
            }
            let start = start.addr();
            self.0 = Some(start);
            for page in (1..PAGES).step_by(2) {
                // SAFETY: a page of that mapping, which only this has.
                let done = unsafe { libc::mprotect((start + page * PAGE) as *mut c_void, PAGE, libc::PROT_READ) };
                if done != 0 {
                    self.give_back();
                    return;
                }
            }
        }

        /// Gives them back; `false` where there are none.
        pub(crate) fn give_back(&mut self) -> bool {
            let Some(start) = self.0.take() else {
                return false;
            };
            // SAFETY: the mapping that `take` made, whole, which nobody reads or writes.
            unsafe { libc::munmap(start as *mut c_void, PAGES.saturating_mul(PAGE)) == 0 }
        }
    }

    impl Drop for Spare {
        fn drop(&mut self) {
            self.give_back();
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod nowhere {
    use std::{convert::Infallible, io};

    /// There is none.
    #[derive(Debug)]
    pub(crate) struct Page(Infallible);

    #[cfg_attr(feature = "js", expect(unsafe_code, reason = "as where there is one"))]
    impl Page {
        /// # Safety
        ///
        /// It is.
        #[cfg(feature = "js")]
        pub(crate) unsafe fn before(_: &[u8], _: usize) -> Option<Page> {
            None
        }

        #[cfg(feature = "js")]
        pub(crate) fn address(&self) -> usize {
            match self.0 {}
        }

        pub(crate) fn close(&self) -> io::Result<()> {
            match self.0 {}
        }

        pub(crate) fn open(&self) -> io::Result<()> {
            match self.0 {}
        }
    }

    #[derive(Debug, Default)]
    pub(crate) struct Spare;

    impl Spare {
        pub(crate) fn take(&mut self) {}

        pub(crate) fn give_back(&mut self) -> bool {
            false
        }
    }
}
