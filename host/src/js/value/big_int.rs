//! BigInts.

use std::{fmt, str::FromStr};

/// A JavaScript BigInt: an integer of any size.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BigInt(pub(in crate::js) num_bigint::BigInt);

/// Longest BigInt, in bits, that serde's formats get in decimal digits. How long it takes to find these grows with the
/// square of the length, and a script chooses that.
const MAX_DECIMAL_BITS: u64 = 1 << 14;

impl BigInt {
    /// The integer, where 128 bits hold it.
    pub fn to_i128(&self) -> Option<i128> {
        i128::try_from(&self.0).ok()
    }

    /// Its decimal digits, for serde; an error where there are too many.
    pub(in crate::js) fn decimal(&self) -> Result<String, String> {
        if self.0.bits() > MAX_DECIMAL_BITS {
            return Err(format!("a BigInt of more than {MAX_DECIMAL_BITS} bits has no form in digits here"));
        }
        Ok(self.0.to_string())
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.0.bits() / 8).unwrap_or(usize::MAX)
    }
}

impl From<i128> for BigInt {
    fn from(value: i128) -> BigInt {
        BigInt(value.into())
    }
}

impl From<u128> for BigInt {
    fn from(value: u128) -> BigInt {
        BigInt(value.into())
    }
}

impl FromStr for BigInt {
    type Err = crate::Error;

    /// Reads decimal digits, with a sign or without.
    fn from_str(digits: &str) -> Result<BigInt, crate::Error> {
        digits
            .parse()
            .map(BigInt)
            .map_err(|_| crate::Error::new(crate::ErrorKind::InvalidArgument, format!("{digits:?} is not an integer")))
    }
}

impl fmt::Display for BigInt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
