//! Bytes that nobody wrote as a value, for both decoders: the engine's own tests read this file, too.

use std::{
    env,
    time::{Duration, Instant},
};

/// A generator of pseudo-random numbers (xorshift64*).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }

    fn pick<'a>(&mut self, from: &[&'a [u8]]) -> &'a [u8] {
        from[self.below(from.len())]
    }
}

/// What leads on: heads of lists, objects and tags, names of classes, lengths that are too long or have no end.
const TOKENS: [&[u8]; 34] = [
    &[0x80],
    &[0x81],
    &[0x82],
    &[0xa0],
    b"\xa1\x61a",
    &[0x9f],
    &[0xff],
    &[0x00],
    &[0x1b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xf7],
    &[0xf9, 0x7e, 0x00],
    &[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0],
    &[0x61, b'a'],
    &[0x62, 0xed, 0xa0],
    &[0x41, 0x00],
    &[0x5b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0x7a, 0x7f, 0xff, 0xff, 0xff],
    &[0x99, 0x01, 0x00],
    &[0x9a, 0x00, 0x01, 0x00, 0x00],
    &[0xb9, 0x01, 0x00],
    &[0xbb, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    &[0xc1],
    &[0xc2, 0x41],
    &[0xc3, 0x40],
    &[0xd8, 0x1b, 0x82],
    b"\xd8\x1b\x82\x65Error\xa1\x65cause",
    b"\xd8\x1b\x82\x66Number",
    b"\xd8\x1b\x83\x66RegExp\x61a",
    &[0xd8, 0x1c],
    &[0xd8, 0x1d, 0x00],
    &[0xd8, 0x1f, 0xf7],
    &[0xd8, 0x48, 0x41],
    &[0xd9, 0x01, 0x02],
    &[0xd9, 0x01, 0x03],
];

/// One of these values, changed in a few places or in none; sometimes a part of it many times within or behind itself,
/// and sometimes bytes of another making altogether.
pub(crate) fn bytes(random: &mut Random, values: &[Vec<u8>]) -> Vec<u8> {
    if random.below(4) == 0 {
        return tokens(random);
    }
    let mut bytes = values[random.below(values.len())].clone();
    for _ in 0..random.below(5) {
        if bytes.is_empty() {
            break;
        }
        let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
        let (from, to) = (at.min(other), at.max(other));
        match random.below(9) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => drop(bytes.remove(at)),
            3 => bytes.truncate(at),
            4 => drop(bytes.drain(from..to)),
            5 => put(&mut bytes, at, random.pick(&TOKENS)),
            6 => {
                let part = bytes[from..to].to_vec();
                put(&mut bytes, other, &part);
            }
            7 => {
                let times = 1 << random.below(9);
                put(&mut bytes, at, &random.pick(&TOKENS).repeat(times));
            }
            _ => {
                let donor = &values[random.below(values.len())];
                put(&mut bytes, at, &donor[random.below(donor.len())..]);
            }
        }
    }
    bytes
}

fn tokens(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.below(20) {
        match random.below(8) {
            0 => bytes.push(random.below(256) as u8),
            _ => bytes.extend(random.pick(&TOKENS)),
        }
    }
    bytes
}

fn put(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}

/// Runs so many rounds; or, where the environment says `FUZZ_SECONDS`, rounds for so long, each time others.
pub(crate) fn rounds(few: u64, mut round: impl FnMut(&mut Random)) {
    let seconds = env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let Some(length) = seconds.map(Duration::from_secs) else {
        let mut random = Random::new(1);
        return (0..few).for_each(|_| round(&mut random));
    };
    use std::hash::{BuildHasher as _, RandomState};
    let seed = RandomState::new().hash_one(0);
    println!("seed {seed}");
    let (mut random, start, mut done) = (Random::new(seed), Instant::now(), 0_u64);
    while start.elapsed() < length {
        round(&mut random);
        done += 1;
    }
    println!("{done} rounds");
}
