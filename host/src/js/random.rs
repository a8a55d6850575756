//! The random bits of a context.

use sha2::{Digest as _, Sha256};

/// Where the random bits of one instance come from: the system, or a seed.
#[derive(Debug)]
pub(super) struct Random {
    seed: Option<u64>,
    /// How many times 64 bits were drawn.
    drawn: u64,
}

impl Random {
    pub(super) fn new(seed: Option<u64>) -> Random {
        Random { seed, drawn: 0 }
    }

    /// 64 bits. From a seed they are the start of the SHA-256 of the seed and of how many were drawn before.
    pub(super) fn next(&mut self) -> u64 {
        let Some(seed) = self.seed else {
            // The standard library's own source of random keys for hash maps: seeded by the system, different each time.
            use std::hash::{BuildHasher as _, RandomState};
            return RandomState::new().hash_one(0_u8);
        };
        let digest = Sha256::new().chain_update(seed.to_le_bytes()).chain_update(self.drawn.to_le_bytes()).finalize();
        self.drawn = self.drawn.wrapping_add(1);
        digest.iter().take(8).fold(0, |bits, byte| bits << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_bits_everywhere() {
        let mut random = Random::new(Some(7));
        let drawn = [random.next(), random.next()];
        assert_eq!(drawn, [0x7610_8f84_396d_c2d7, 0x70be_d0fe_3b33_2b7b]);
    }
}
