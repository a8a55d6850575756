//! What `crypto.js` needs: hashes, codes of authentication, random bytes.

use std::rc::Rc;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use rquickjs::{ArrayBuffer, Ctx, Error, Function, Object, Result, String as JsString, TypedArray, Value};
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{length, utf8, vec};
use crate::{functions::Functions, raw};

type Bytes<'js> = TypedArray<'js, u8>;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, functions: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("digest", Function::new(ctx.clone(), digest)?)?;
    natives.set("sign", Function::new(ctx.clone(), sign)?)?;
    natives.set("verify", Function::new(ctx.clone(), verify)?)?;
    natives.set("buffer", Function::new(ctx.clone(), buffer)?)?;
    natives.set("toBase64Url", Function::new(ctx.clone(), to_base64_url)?)?;
    natives.set("fromBase64Url", Function::new(ctx.clone(), from_base64_url)?)?;
    let random = {
        let functions = Rc::clone(functions);
        move |ctx: Ctx<'js>, length: usize| Bytes::new_copy(ctx, random(&functions, length)?)
    };
    natives.set("random", Function::new(ctx.clone(), random)?)?;
    let functions = Rc::clone(functions);
    natives
        .set("uuid", Function::new(ctx.clone(), move || uuid(functions.host().random(), functions.host().random()))?)?;
    Ok(natives)
}

/// Calls a generic function with the hash of this name.
macro_rules! with_hash {
    ($name:expr, $function:ident($($argument:expr),*)) => {
        match $name {
            "SHA-1" => $function::<Sha1>($($argument),*),
            "SHA-256" => $function::<Sha256>($($argument),*),
            "SHA-384" => $function::<Sha384>($($argument),*),
            "SHA-512" => $function::<Sha512>($($argument),*),
            _ => Err(Error::Unknown),
        }
    };
}

fn digest<'js>(ctx: Ctx<'js>, hash: String, data: Bytes<'js>) -> Result<ArrayBuffer<'js>> {
    fn hashed<D: Digest>(data: &Bytes<'_>) -> Result<Vec<u8>> {
        let mut hash = D::new();
        raw::pieces(data, |piece| {
            hash.update(piece);
            Ok(())
        })?;
        Ok(hash.finalize().to_vec())
    }
    ArrayBuffer::new_copy(ctx, with_hash!(hash.as_str(), hashed(&data))?)
}

/// The code of all data, before it is finished.
fn hmac<D: EagerHash>(key: &Bytes<'_>, data: &Bytes<'_>) -> Result<Hmac<D>> {
    let mut code = Hmac::<D>::new_from_slice(&copied(key)?).map_err(|_| Error::Unknown)?;
    raw::pieces(data, |piece| {
        code.update(piece);
        Ok(())
    })?;
    Ok(code)
}

fn sign<'js>(ctx: Ctx<'js>, hash: String, key: Bytes<'js>, data: Bytes<'js>) -> Result<ArrayBuffer<'js>> {
    fn signed<D: EagerHash>(key: &Bytes<'_>, data: &Bytes<'_>) -> Result<Vec<u8>> {
        Ok(hmac::<D>(key, data)?.finalize().into_bytes().to_vec())
    }
    ArrayBuffer::new_copy(ctx, with_hash!(hash.as_str(), signed(&key, &data))?)
}

fn verify<'js>(hash: String, key: Bytes<'js>, data: Bytes<'js>, signature: Bytes<'js>) -> Result<bool> {
    fn verified<D: EagerHash>(key: &Bytes<'_>, data: &Bytes<'_>, signature: &Bytes<'_>) -> Result<bool> {
        Ok(hmac::<D>(key, data)?.verify_slice(&copied(signature)?).is_ok())
    }
    with_hash!(hash.as_str(), verified(&key, &data, &signature))
}

fn copied(bytes: &Bytes<'_>) -> Result<Vec<u8>> {
    let mut copy = vec(length(bytes))?;
    raw::pieces(bytes, |piece| {
        copy.extend_from_slice(piece);
        Ok(())
    })?;
    Ok(copy)
}

fn buffer<'js>(ctx: Ctx<'js>, bytes: Bytes<'js>) -> Result<ArrayBuffer<'js>> {
    ArrayBuffer::new_copy(ctx, copied(&bytes)?)
}

fn random(functions: &Functions, length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec(length)?;
    while bytes.len() < length {
        let word = functions.host().random().to_le_bytes();
        bytes.extend_from_slice(&word[..word.len().min(length - bytes.len())]);
    }
    Ok(bytes)
}

/// A UUID of version 4 of 128 random bits.
fn uuid(high: u64, low: u64) -> String {
    let high = high & !0xf000 | 0x4000;
    let low = low & !(0b11 << 62) | 0b10 << 62;
    let (first, second, third) = (high >> 32, high >> 16 & 0xffff, high & 0xffff);
    format!("{first:08x}-{second:04x}-{third:04x}-{:04x}-{:012x}", low >> 48, low & 0xffff_ffff_ffff)
}

fn to_base64_url<'js>(ctx: Ctx<'js>, bytes: Bytes<'js>) -> Result<Value<'js>> {
    let bytes = copied(&bytes)?;
    let length = bytes.len().div_ceil(3).checked_mul(4).ok_or(Error::Allocation)?;
    let mut encoded = vec(length)?;
    encoded.resize(length, 0);
    let length = URL_SAFE_NO_PAD.encode_slice(&bytes, &mut encoded).map_err(|_| Error::Unknown)?;
    encoded.truncate(length);
    raw::string(&ctx, &String::from_utf8(encoded).map_err(|_| Error::Unknown)?)
}

fn from_base64_url<'js>(ctx: Ctx<'js>, text: JsString<'js>) -> Result<Option<Bytes<'js>>> {
    let text = utf8(&text)?;
    let mut bytes = vec(text.len())?;
    bytes.resize(text.len(), 0);
    match URL_SAFE_NO_PAD.decode_slice_unchecked(text.as_bytes(), &mut bytes) {
        Ok(length) => Bytes::new_copy(ctx, &bytes[..length]).map(Some),
        Err(_) => Ok(None),
    }
}
