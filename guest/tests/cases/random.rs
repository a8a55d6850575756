//! Numbers, bytes and texts that look like chance, and are the same in each run.

/// A generator of pseudo-random numbers (xorshift64*), the same in each run.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.next() >> 33) as usize % end
    }

    pub(super) fn bytes(&mut self, longest: usize) -> Vec<u8> {
        (0..self.below(longest + 1)).map(|_| self.next() as u8).collect()
    }

    pub(super) fn text(&mut self) -> String {
        let alphabet = ['a', 'Z', ' ', '"', '\\', '\n', '\0', 'é', 'ß', '世', '\u{ffff}', '😀', '\u{10ffff}'];
        (0..self.below(12)).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }
}
