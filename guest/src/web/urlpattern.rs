//! What `urlpattern.js` needs: patterns as regular expressions, and the parts of what is matched with them.
//!
//! The regular expressions are JavaScript's. Whether a protocol matches a special scheme has to be known while a pattern is parsed;
//! where that takes one, parsing gives the questions, and is begun again with their answers.

use std::{cell::RefCell, rc::Rc};

use ::url::Url;
use rquickjs::{Array, Ctx, Error, Exception, Function, Object, Result, String as JsString, Value};
use urlpattern::{
    Error as PatternError, RegexSyntax, UrlPatternInit, UrlPatternOptions,
    quirks::{self, MatchInput, StringOrInit, UrlPattern},
    regexp::RegExp,
};

use super::{room, url, utf8};
use crate::{functions::Functions, raw};

/// Bytes of the longest text in a pattern.
const MAX_PATTERN: usize = 64 << 10;

/// Bytes of memory that parsing takes for each of a pattern, at most.
const SCALE: usize = 256;

pub(super) fn natives<'js>(ctx: &Ctx<'js>, _: &Rc<Functions>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    natives.set("parse", Function::new(ctx.clone(), parse)?)?;
    natives.set("match", Function::new(ctx.clone(), matched)?)?;
    Ok(natives)
}

/// Whether a text matches an expression.
struct Question {
    expression: String,
    flags: String,
    text: String,
    answer: Option<bool>,
}

thread_local! {
    /// What was asked while the present pattern is parsed, and the answers that there are.
    static QUESTIONS: RefCell<Vec<Question>> = const { RefCell::new(Vec::new()) };
}

/// A regular expression of JavaScript, as its source.
struct Expression {
    source: String,
    flags: String,
}

impl RegExp for Expression {
    fn syntax() -> RegexSyntax {
        RegexSyntax::EcmaScript
    }

    fn parse(source: &str, flags: &str, _: bool) -> core::result::Result<Expression, ()> {
        Ok(Expression { source: source.to_owned(), flags: flags.to_owned() })
    }

    fn matches<'a>(&self, text: &'a str) -> Option<Vec<Option<&'a str>>> {
        QUESTIONS.with_borrow_mut(|questions| {
            let is =
                |known: &&Question| known.expression == self.source && known.flags == self.flags && known.text == text;
            if let Some(known) = questions.iter().find(is) {
                return known.answer.unwrap_or(false).then(Vec::new);
            }
            let (expression, flags, text) = (self.source.clone(), self.flags.clone(), text.to_owned());
            questions.push(Question { expression, flags, text, answer: None });
            None
        })
    }

    fn pattern_string(&self) -> &str {
        &self.source
    }
}

/// A text of a pattern, for whose parsing there is memory.
fn text(string: &JsString<'_>) -> Result<String> {
    let text = utf8(string)?;
    if text.len() > MAX_PATTERN {
        let message = format!("URLPattern: a pattern is longer than {MAX_PATTERN} bytes");
        return Err(Exception::throw_range(string.as_value().ctx(), &message));
    }
    room(text.len() * SCALE)?;
    Ok(text)
}

/// How a text is taken.
type Taken = fn(&JsString<'_>) -> Result<String>;

fn optional(value: &Value<'_>, text: Taken) -> Result<Option<String>> {
    value.as_string().map(text).transpose()
}

/// What a script has given: a text, or an object of texts.
fn input(given: &Value<'_>, text: Taken) -> Result<StringOrInit<'static>> {
    let Some(object) = given.as_object() else {
        return Ok(StringOrInit::String(optional(given, text)?.unwrap_or_default().into()));
    };
    let member = |name: &str| optional(&object.get::<_, Value<'_>>(name)?, text);
    Ok(StringOrInit::Init(quirks::UrlPatternInit {
        protocol: member("protocol")?,
        username: member("username")?,
        password: member("password")?,
        hostname: member("hostname")?,
        port: member("port")?,
        pathname: member("pathname")?,
        search: member("search")?,
        hash: member("hash")?,
        base_url: member("baseURL")?,
    }))
}

/// Parses a pattern: `{ components, hasGroups }`, `{ error }`, or `{ questions }`. Each question is an expression, its flags, and a text;
/// an answer is those, and whether they match.
fn parse<'js>(
    ctx: Ctx<'js>,
    given: Value<'js>,
    base: Value<'js>,
    ignore_case: bool,
    answers: Array<'js>,
) -> Result<Object<'js>> {
    let mut known = Vec::new();
    for answer in answers.iter::<Array<'js>>() {
        let answer = answer?;
        let (expression, flags, text) = (answer.get(0)?, answer.get(1)?, answer.get(2)?);
        known.push(Question { expression, flags, text, answer: Some(answer.get(3)?) });
    }
    let (given, base) = (input(&given, text)?, optional(&base, text)?);
    QUESTIONS.set(known);
    let parsed = pattern(given, base.as_deref(), ignore_case);
    let questions = QUESTIONS.take().into_iter().filter(|question| question.answer.is_none());
    let questions: Vec<Question> = questions.collect();
    let result = Object::new(ctx.clone())?;
    if !questions.is_empty() {
        let list = Array::new(ctx.clone())?;
        for (at, Question { expression, flags, text, .. }) in questions.into_iter().enumerate() {
            list.set(at, vec![expression, flags, text])?;
        }
        result.set("questions", list)?;
        return Ok(result);
    }
    let pattern = match parsed {
        Ok(pattern) => pattern,
        Err(error) => {
            result.set("error", error.to_string())?;
            return Ok(result);
        }
    };
    result.set("hasGroups", pattern.has_regexp_groups)?;
    let components = Array::new(ctx.clone())?;
    let UrlPattern { protocol, username, password, hostname, port, pathname, search, hash, .. } = pattern;
    let all = [protocol, username, password, hostname, port, pathname, search, hash];
    for (at, component) in all.into_iter().enumerate() {
        let list = Array::new(ctx.clone())?;
        list.set(0, raw::string(&ctx, &component.pattern_string)?)?;
        list.set(1, raw::string(&ctx, &component.regexp_string)?)?;
        for (at, name) in component.group_name_list.iter().enumerate() {
            list.set(2 + at, raw::string(&ctx, name)?)?;
        }
        components.set(at, list)?;
    }
    result.set("components", components)?;
    Ok(result)
}

fn pattern(
    given: StringOrInit<'_>,
    base: Option<&str>,
    ignore_case: bool,
) -> core::result::Result<UrlPattern, PatternError> {
    let init = match given {
        StringOrInit::String(pattern) => {
            let base = base.map(Url::parse).transpose().map_err(PatternError::Url)?;
            UrlPatternInit::parse_constructor_string::<Expression>(&pattern, base)?
        }
        StringOrInit::Init(init) => {
            let quirks::UrlPatternInit {
                protocol,
                username,
                password,
                hostname,
                port,
                pathname,
                search,
                hash,
                base_url,
            } = init;
            let base_url = base_url.as_deref().map(Url::parse).transpose().map_err(PatternError::Url)?;
            UrlPatternInit { protocol, username, password, hostname, port, pathname, search, hash, base_url }
        }
    };
    let options = UrlPatternOptions { regex_syntax: RegexSyntax::EcmaScript, ignore_case };
    quirks::parse_pattern::<Expression>(init, options)
}

/// The parts of what is to be matched; nothing where it is no URL. An object and a base are an error.
fn matched<'js>(ctx: Ctx<'js>, given: Value<'js>, base: Value<'js>) -> Result<Option<Array<'js>>> {
    let (given, base) = (input(&given, url::text)?, optional(&base, url::text)?);
    let processed = quirks::process_match_input(given, base.as_deref()).map_err(|_| Error::Unknown)?;
    let Some(parts) = processed.and_then(|(input, _)| quirks::parse_match_input(input)) else {
        return Ok(None);
    };
    let MatchInput { protocol, username, password, hostname, port, pathname, search, hash } = parts;
    let list = Array::new(ctx.clone())?;
    for (at, part) in [protocol, username, password, hostname, port, pathname, search, hash].iter().enumerate() {
        list.set(at, raw::string(&ctx, part)?)?;
    }
    Ok(Some(list))
}
