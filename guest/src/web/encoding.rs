//! What `encoding.js` needs: strings as UTF-8, and bytes of any encoding as strings.

use std::{cell::RefCell, rc::Rc};

use encoding_rs::{CoderResult, Decoder, DecoderResult, Encoding};
use rquickjs::{Array, Ctx, Error, Function, IntoJs as _, Object, Result, String as JsString, TypedArray, Value};

use super::{length, utf8, vec};
use crate::{
    functions::Functions,
    raw::{self, Text},
};

/// Bytes of the output that there is room for at least, before bytes are decoded.
const ROOM: usize = 64;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, _: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("encode", Function::new(ctx.clone(), encode)?)?;
    natives.set("encodePrefix", Function::new(ctx.clone(), encode_prefix)?)?;
    natives.set("encoding", Function::new(ctx.clone(), encoding)?)?;
    natives.set("decoder", Function::new(ctx.clone(), decoder)?)?;
    Ok(natives)
}

fn encode<'js>(ctx: Ctx<'js>, text: JsString<'js>) -> Result<TypedArray<'js, u8>> {
    let text = Text::of(&text)?;
    let bytes = text.bytes();
    if !raw::is_broken(bytes) {
        return TypedArray::new_copy(ctx, bytes);
    }
    let mut mended = vec(bytes.len())?;
    mended.extend_from_slice(bytes);
    raw::mend(&mut mended);
    TypedArray::new_copy(ctx, mended)
}

/// The first characters of a text that fit into so many bytes, and how many UTF-16 units they were.
fn encode_prefix<'js>(ctx: Ctx<'js>, text: JsString<'js>, most: usize) -> Result<Array<'js>> {
    let text = utf8(&text)?;
    let prefix = &text[..text.floor_char_boundary(most)];
    let list = Array::new(ctx.clone())?;
    list.set(0, TypedArray::<u8>::new_copy(ctx, prefix)?)?;
    list.set(1, prefix.chars().map(char::len_utf16).sum::<usize>() as f64)?;
    Ok(list)
}

/// The name of the encoding that has this label; nothing where there is none.
fn encoding(label: JsString<'_>) -> Result<Option<String>> {
    // The longest label is far shorter.
    const LONGEST: usize = 1000;
    if Text::of(&label)?.bytes().len() > LONGEST {
        return Ok(None);
    }
    let encoding = Encoding::for_label_no_replacement(utf8(&label)?.as_bytes());
    Ok(encoding.map(|encoding| encoding.name().to_ascii_lowercase()))
}

/// What is decoded with one `TextDecoder`: its calls go on where the one before ended, where that said so.
struct Decoding {
    encoding: &'static Encoding,
    is_fatal: bool,
    keeps_mark: bool,
    /// There while a stream is decoded.
    decoder: Option<Decoder>,
}

/// A function that decodes bytes, and is told whether more will come. It gives nothing where they are malformed.
fn decoder<'js>(ctx: Ctx<'js>, name: String, is_fatal: bool, keeps_mark: bool) -> Result<Function<'js>> {
    let encoding = Encoding::for_label(name.as_bytes()).ok_or(Error::Unknown)?;
    let decoding = RefCell::new(Decoding { encoding, is_fatal, keeps_mark, decoder: None });
    Function::new(ctx, move |ctx: Ctx<'js>, bytes: TypedArray<'js, u8>, is_stream: bool| -> Result<Value<'js>> {
        match decoding.try_borrow_mut().map_err(|_| Error::Unknown)?.decode(&bytes, !is_stream)? {
            Some(text) => raw::string(&ctx, &text),
            None => None::<Value<'js>>.into_js(&ctx),
        }
    })
}

impl Decoding {
    fn decode(&mut self, bytes: &TypedArray<'_, u8>, is_last: bool) -> Result<Option<String>> {
        let decoder = self.decoder.take();
        let mut decoder = decoder.unwrap_or_else(|| match self.keeps_mark {
            true => self.encoding.new_decoder_without_bom_handling(),
            false => self.encoding.new_decoder_with_bom_removal(),
        });
        let mut text = vec(length(bytes) + ROOM)?;
        let mut is_valid = true;
        raw::pieces(bytes, |piece| {
            if is_valid {
                is_valid = self.step(&mut decoder, piece, &mut text, false)?;
            }
            Ok(())
        })?;
        if is_valid && is_last {
            is_valid = self.step(&mut decoder, &[], &mut text, true)?;
        }
        if !is_valid {
            return Ok(None);
        }
        if !is_last {
            self.decoder = Some(decoder);
        }
        String::from_utf8(text).map(Some).map_err(|_| Error::Unknown)
    }

    /// Decodes a piece: whether it is well-formed, where that matters.
    fn step(&self, decoder: &mut Decoder, mut piece: &[u8], text: &mut Vec<u8>, is_last: bool) -> Result<bool> {
        loop {
            let (length, room) = (text.len(), piece.len().max(ROOM));
            text.try_reserve(room).map_err(|_| Error::Allocation)?;
            text.resize(length + room, 0);
            let (read, written, is_done, is_valid) = if self.is_fatal {
                let (result, read, written) =
                    decoder.decode_to_utf8_without_replacement(piece, &mut text[length..], is_last);
                let is_valid = !matches!(result, DecoderResult::Malformed(..));
                (read, written, result == DecoderResult::InputEmpty, is_valid)
            } else {
                let (result, read, written, _) = decoder.decode_to_utf8(piece, &mut text[length..], is_last);
                (read, written, result == CoderResult::InputEmpty, true)
            };
            text.truncate(length + written);
            piece = &piece[read..];
            if is_done || !is_valid {
                return Ok(is_valid);
            }
        }
    }
}
