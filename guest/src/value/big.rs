//! BigInts as CBOR has them: bytes, the highest first.

/// The bytes that hexadecimal digits stand for, without zeros before them.
pub(super) fn from_hex(hex: &str) -> Vec<u8> {
    let digit = |c: u8| (c as char).to_digit(16).map_or(0, |digit| digit as u8);
    let digits = hex.as_bytes();
    let (odd, even) = digits.split_at(digits.len() % 2);
    let mut bytes: Vec<u8> = odd.iter().map(|c| digit(*c)).collect();
    bytes.extend(even.chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])));
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.drain(..zeros);
    bytes
}

/// `0x` and the hexadecimal digits of bytes.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut hex = String::with_capacity(3 + 2 * bytes.len());
    hex.push_str("0x0");
    for byte in bytes {
        hex.push(DIGITS[usize::from(byte >> 4)] as char);
        hex.push(DIGITS[usize::from(byte & 15)] as char);
    }
    hex
}

/// Subtracts one from a magnitude of at least one.
pub(super) fn minus_one(mut magnitude: Vec<u8>) -> Vec<u8> {
    for byte in magnitude.iter_mut().rev() {
        let (less, borrow) = byte.overflowing_sub(1);
        *byte = less;
        if !borrow {
            break;
        }
    }
    let zeros = magnitude.iter().take_while(|byte| **byte == 0).count();
    magnitude.drain(..zeros);
    magnitude
}
