//! What `url.js` needs: URLs by their parts, and queries as names and values.

use std::rc::Rc;

use rquickjs::{Array, Ctx, Error, Function, Object, Result, String as JsString, Value, function::Opt};
use url::{Url, form_urlencoded, quirks};

use super::{room, utf8};
use crate::{functions::Functions, raw};

pub(super) fn natives<'js>(ctx: &Ctx<'js>, _: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("parse", Function::new(ctx.clone(), parse)?)?;
    natives.set("set", Function::new(ctx.clone(), set)?)?;
    natives.set("parseQuery", Function::new(ctx.clone(), parse_query)?)?;
    natives.set("serializeQuery", Function::new(ctx.clone(), serialize_query)?)?;
    Ok(natives)
}

/// A text that is to be parsed. Parsing it takes memory that cannot be refused; so that is asked for before.
pub(super) fn text(string: &JsString<'_>) -> Result<String> {
    let text = utf8(string)?;
    let wide = text.bytes().filter(|byte| !byte.is_ascii()).count();
    // Where it grows, the text is there twice; each of its bytes may become three, and a character of a host takes four.
    room(text.len().saturating_mul(8).saturating_add(wide.saturating_mul(12)))?;
    Ok(text)
}

/// The parts of a URL; nothing where it is none.
fn parse<'js>(ctx: Ctx<'js>, url: JsString<'js>, base: Opt<Value<'js>>) -> Result<Option<Array<'js>>> {
    let base = match base.0.as_ref().and_then(Value::as_string) {
        Some(base) => match Url::parse(&text(base)?) {
            Ok(base) => Some(base),
            Err(_) => return Ok(None),
        },
        None => None,
    };
    let url = text(&url)?;
    room(base.as_ref().map_or(0, |base| base.as_str().len().saturating_mul(4)))?;
    match Url::options().base_url(base.as_ref()).parse(&url) {
        Ok(url) => parts(&ctx, &url).map(Some),
        Err(_) => Ok(None),
    }
}

/// The parts, in the order that `url.js` knows.
fn parts<'js>(ctx: &Ctx<'js>, url: &Url) -> Result<Array<'js>> {
    room(url.as_str().len())?;
    // The URL that a blob is of has an origin where it is of the web.
    let inner = url.path().split(':').next().unwrap_or_default();
    let is_opaque = url.scheme() == "blob" && !["http", "https"].iter().any(|web| inner.eq_ignore_ascii_case(web));
    let origin = if is_opaque { "null".to_owned() } else { quirks::origin(url) };
    let parts = [
        quirks::href(url),
        &origin,
        quirks::protocol(url),
        quirks::username(url),
        quirks::password(url),
        quirks::host(url),
        quirks::hostname(url),
        quirks::port(url),
        quirks::pathname(url),
        quirks::search(url),
        quirks::hash(url),
    ];
    let list = Array::new(ctx.clone())?;
    for (at, part) in (0..).zip(parts) {
        raw::define_element(list.as_object(), at, &raw::string(ctx, part)?)?;
    }
    Ok(list)
}

/// The parts of a URL with one of them, by its place, set to a text; nothing where it stays as it is.
fn set<'js>(ctx: Ctx<'js>, href: JsString<'js>, part: u32, value: JsString<'js>) -> Result<Option<Array<'js>>> {
    let (href, value) = (text(&href)?, text(&value)?);
    let Ok(mut url) = Url::parse(&href) else {
        return Ok(None);
    };
    // A part is set in a copy of what is behind it.
    room(href.len().saturating_mul(4).saturating_add(value.len().saturating_mul(8)))?;
    let is_set = match part {
        2 => quirks::set_protocol(&mut url, &value),
        3 => quirks::set_username(&mut url, &value),
        4 => quirks::set_password(&mut url, &value),
        5 => quirks::set_host(&mut url, &value),
        6 => quirks::set_hostname(&mut url, &value),
        7 => quirks::set_port(&mut url, &value),
        8 => {
            quirks::set_pathname(&mut url, &value);
            Ok(())
        }
        9 => {
            quirks::set_search(&mut url, &value);
            Ok(())
        }
        10 => {
            quirks::set_hash(&mut url, &value);
            Ok(())
        }
        _ => Err(()),
    };
    if is_set.is_err() { Ok(None) } else { parts(&ctx, &url).map(Some) }
}

/// Names and values of a query, by turns. It may begin with a question mark.
fn parse_query<'js>(ctx: Ctx<'js>, query: JsString<'js>) -> Result<Array<'js>> {
    let query = text(&query)?;
    let list = Array::new(ctx.clone())?;
    let pairs = form_urlencoded::parse(query.strip_prefix('?').unwrap_or(&query).as_bytes());
    for (at, part) in (0..).zip(pairs.flat_map(|(name, value)| [name, value])) {
        raw::define_element(list.as_object(), at, &raw::string(&ctx, &part)?)?;
    }
    Ok(list)
}

/// A query of names and values, by turns.
fn serialize_query<'js>(ctx: Ctx<'js>, list: Array<'js>) -> Result<Value<'js>> {
    let mut query: Vec<u8> = Vec::new();
    for at in 0..u32::try_from(list.len()).map_err(|_| Error::Unknown)? {
        let part = raw::element(list.as_object(), at)?;
        let part = utf8(part.as_string().ok_or(Error::Unknown)?)?;
        if at > 0 {
            push(&mut query, if at % 2 == 0 { "&" } else { "=" })?;
        }
        for piece in form_urlencoded::byte_serialize(part.as_bytes()) {
            push(&mut query, piece)?;
        }
    }
    let query = String::from_utf8(query).map_err(|_| Error::Unknown)?;
    raw::string(&ctx, &query)
}

fn push(text: &mut Vec<u8>, piece: &str) -> Result<()> {
    text.try_reserve(piece.len()).map_err(|_| Error::Allocation)?;
    text.extend_from_slice(piece.as_bytes());
    Ok(())
}
