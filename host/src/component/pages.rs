//! How many pages of its memory an instance has for itself.

use std::io;

/// How many pages of these bytes of memory have been written.
///
/// # Errors
///
/// The system does not tell.
#[cfg(target_os = "linux")]
pub(super) fn written(start: usize, bytes: usize) -> io::Result<usize> {
    use std::{fs::File, os::unix::fs::FileExt as _};

    /// Bytes of a page, of the only architecture where [brakes](super::brake) say where the memory is.
    const PAGE: usize = 4096;
    /// Bytes that the system tells of each page: <https://docs.kernel.org/admin-guide/mm/pagemap.html>.
    const ENTRY: usize = 8;
    const IS_PRESENT: u64 = 1 << 63;
    const IS_SWAPPED: u64 = 1 << 62;
    /// It is one of the image, which all instances share.
    const IS_OF_FILE: u64 = 1 << 61;

    let mut entries = vec![0; bytes.div_ceil(PAGE).saturating_mul(ENTRY)];
    let first = start.div_euclid(PAGE).saturating_mul(ENTRY);
    File::open("/proc/self/pagemap")?.read_exact_at(&mut entries, first as u64)?;
    let entries = entries.as_chunks::<ENTRY>().0.iter().map(|entry| u64::from_le_bytes(*entry));
    Ok(entries.filter(|entry| entry & IS_SWAPPED != 0 || entry & (IS_PRESENT | IS_OF_FILE) == IS_PRESENT).count())
}

#[cfg(not(target_os = "linux"))]
pub(super) fn written(_: usize, _: usize) -> io::Result<usize> {
    Err(io::ErrorKind::Unsupported.into())
}
