//! What `base64.js` needs: bytes as base64 and back, bytes as strings of characters up to U+00FF.

use std::rc::Rc;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};
use rquickjs::{Ctx, Error, Function, Object, Result, String as JsString, Value};

use super::vec;
use crate::{
    functions::Functions,
    raw::{self, Text},
};

/// Decodes what has no padding, whatever the bits are that the last character has too many.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

pub(super) fn natives<'js>(ctx: &Ctx<'js>, _: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("decode", Function::new(ctx.clone(), decode)?)?;
    natives.set("encode", Function::new(ctx.clone(), encode)?)?;
    Ok(natives)
}

/// The bytes that a text encodes, each as a character; nothing where it encodes none.
fn decode<'js>(ctx: Ctx<'js>, text: JsString<'js>) -> Result<Option<Value<'js>>> {
    let text = Text::of(&text)?;
    let mut encoded = vec(text.bytes().len())?;
    encoded.extend(text.bytes().iter().filter(|byte| !matches!(byte, b'\t' | b'\n' | 0x0c | b'\r' | b' ')));
    if encoded.len() % 4 == 0 {
        let padding = encoded.iter().rev().take(2).take_while(|byte| **byte == b'=').count();
        encoded.truncate(encoded.len() - padding);
    }
    let mut bytes = vec(encoded.len())?;
    bytes.resize(encoded.len(), 0);
    let Ok(length) = FORGIVING.decode_slice_unchecked(&encoded, &mut bytes) else {
        return Ok(None);
    };
    bytes.truncate(length);
    drop(encoded);
    let beyond_ascii = bytes.iter().filter(|byte| !byte.is_ascii()).count();
    let mut text = vec(bytes.len() + beyond_ascii)?;
    for byte in bytes {
        text.extend_from_slice(char::from(byte).encode_utf8(&mut [0; 2]).as_bytes());
    }
    let text = String::from_utf8(text).map_err(|_| Error::Unknown)?;
    raw::string(&ctx, &text).map(Some)
}

/// The characters of a text as bytes, as base64; nothing where one is beyond U+00FF.
fn encode<'js>(ctx: Ctx<'js>, text: JsString<'js>) -> Result<Option<Value<'js>>> {
    let text = Text::of(&text)?;
    let mut bytes = vec(text.bytes().len())?;
    let mut rest = text.bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, rest) {
            (0..0x80, _) => bytes.push(*byte),
            (0xc2 | 0xc3, [low, after @ ..]) => {
                bytes.push((byte << 6) | (low & 0x3f));
                rest = after;
            }
            _ => return Ok(None),
        }
    }
    let length = bytes.len().div_ceil(3).checked_mul(4).ok_or(Error::Allocation)?;
    let mut encoded = vec(length)?;
    encoded.resize(length, 0);
    STANDARD.encode_slice(&bytes, &mut encoded).map_err(|_| Error::Unknown)?;
    let encoded = String::from_utf8(encoded).map_err(|_| Error::Unknown)?;
    raw::string(&ctx, &encoded).map(Some)
}
