//! BigInts.

use std::{fmt, str::FromStr};

/// A JavaScript BigInt: an integer of any size.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BigInt(pub(in crate::js) num_bigint::BigInt);

impl BigInt {
    /// The integer, where 128 bits hold it.
    pub fn to_i128(&self) -> Option<i128> {
        i128::try_from(&self.0).ok()
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
