//! How much stack the parser may take for a text, known before it is parsed.
//!
//! The parser calls itself for whatever is within something else, and looks at no stack. So the text is read here first, as far as it
//! takes to know what is within what: brackets, and at each level of them the operators and words that something may follow which is
//! within them. They are counted until a semicolon, or until their level is closed, whether it is so or not: the bound is never too low.
//!
//! Only the parser knows whether a slash divides or begins a regular expression, in which a bracket would be none. Where what
//! stands before it does not tell, the text is read on in both ways, and so for comments as HTML has them. Readings in which the
//! brackets do not match are given up, as the parser gives up at such a bracket.

use oxc_parser::Kind;

/// Bytes of stack for a bracket, for an operator or word, and for what may begin type arguments: more than what was seen of the parser.
/// Of brackets and type arguments it takes far less; but it reads what is within them several times, and so fewer are let through.
const BRACKET: usize = 24 << 10;
const WORD: usize = 1 << 10;
const ANGLE: usize = 64 << 10;

/// Words with which a statement may go on behind a `}`.
const GOING_ON: [&str; 13] = [
    "as",
    "catch",
    "else",
    "extends",
    "finally",
    "from",
    "implements",
    "in",
    "instanceof",
    "is",
    "of",
    "satisfies",
    "while",
];

/// Ways of reading a text that are followed at a time.
const MAX_READINGS: usize = 64;

/// Brackets that are remembered, while there is more than one way to read the text.
const MAX_LEVELS: usize = 1 << 20;

/// How often a byte may be looked at, on average, to find where a comment or regular expression would end; or another reading, to find
/// which goes on.
const MAX_LOOKS: usize = 64;

/// Tokens that the parser may read again: so many, and so many for a byte. It reads the constraint of an `infer` once to see what is behind
/// it, and then again, and so each that is within: twice as often at every one. What is within parentheses where a value may begin it reads as
/// parameters first, and so once more for each of them.
const MAX_REREADS: usize = 1 << 20;
const REREADS_OF_A_BYTE: usize = 4;

/// Why a text is not parsed.
#[derive(Debug, PartialEq)]
pub(super) enum Refused {
    /// It may take more stack than there is, from this byte on.
    TooDeep(usize),
    /// There are too many ways to read what stands before this byte, or it takes too long to find them.
    Ambiguous(usize),
}

/// Refuses a text that the parser may need more than so many bytes of stack for.
pub(super) fn check(text: &str, stack: usize) -> Result<(), Refused> {
    // One more, as a text may be empty.
    let looks = text.len().saturating_mul(MAX_LOOKS).saturating_add(1);
    let mut rereads = text.len().saturating_mul(REREADS_OF_A_BYTE).saturating_add(MAX_REREADS);
    let mut nesting = Nesting { text, levels: Vec::new(), readings: Vec::new(), looks };
    let begin = text.len().saturating_sub(text.trim_start_matches('\u{feff}').len());
    nesting.read_on(Reading { at: begin, before: Before::Operator, is_new_line: true, ..Reading::default() });
    if text.get(begin..).is_some_and(|text| text.starts_with("#!")) {
        let at = nesting.line_end(begin);
        nesting.read_on(Reading { at, before: Before::Operator, ..Reading::default() });
    }
    while let Some(reading) = nesting.next() {
        nesting.looks = nesting.looks.saturating_sub(nesting.readings.len());
        rereads = rereads.saturating_sub(reading.reads().saturating_sub(1));
        if reading.cost > stack || rereads == 0 {
            return Err(Refused::TooDeep(reading.at));
        }
        if nesting.readings.len() >= MAX_READINGS || nesting.levels.len() > MAX_LEVELS || nesting.looks == 0 {
            return Err(Refused::Ambiguous(reading.at));
        }
        nesting.token(reading);
    }
    Ok(())
}

/// A text that is being read.
struct Nesting<'t> {
    text: &'t str,
    /// The brackets that are open in any reading, and others.
    levels: Vec<Level>,
    readings: Vec<Reading>,
    /// Bytes that may still be looked at.
    looks: usize,
}

/// A bracket that is open, and what it is within.
#[derive(Clone, Copy)]
struct Level {
    outer: Option<usize>,
    closed_by: u8,
    /// What was counted when it was opened.
    cost: usize,
    constraints: u32,
    attempts: usize,
}

/// One way to read the text up to a place.
#[derive(Clone, Copy, Default)]
struct Reading {
    at: usize,
    level: Option<usize>,
    cost: usize,
    /// Constraints of an `infer` that it may be within, and whether a name stands behind one.
    constraints: u32,
    is_inferred: bool,
    /// Parentheses around it that may be read as parameters.
    attempts: usize,
    before: Before,
    /// Whether a line ended since the last token.
    is_new_line: bool,
}

impl Reading {
    /// How often the parser may read what is here.
    fn reads(&self) -> usize {
        1_usize.checked_shl(self.constraints).unwrap_or(usize::MAX).saturating_add(self.attempts)
    }
}

/// What a slash is after a token.
#[derive(Clone, Copy, Default, PartialEq)]
enum Before {
    /// The end of a value: it divides, in the same line.
    Value,
    /// Something that a value follows: it begins a regular expression.
    Operator,
    /// A semicolon; the same.
    End,
    /// A bracket that may be the end of a block.
    Closed,
    #[default]
    Either,
}

/// What closes the part of a template that is code.
const TEMPLATE: u8 = b'$';

impl<'t> Nesting<'t> {
    fn read_on(&mut self, reading: Reading) {
        let is_same = |other: &&mut Reading| {
            (other.at, other.level, other.before, other.is_new_line)
                == (reading.at, reading.level, reading.before, reading.is_new_line)
        };
        match self.readings.iter_mut().find(is_same) {
            Some(other) => {
                other.cost = other.cost.max(reading.cost);
                other.constraints = other.constraints.max(reading.constraints);
                other.is_inferred |= reading.is_inferred;
                other.attempts = other.attempts.max(reading.attempts);
            }
            None => self.readings.push(reading),
        }
    }

    /// The reading that has come least far.
    fn next(&mut self) -> Option<Reading> {
        let (index, _) = self.readings.iter().enumerate().min_by_key(|(_, reading)| reading.at)?;
        let reading = self.readings.swap_remove(index);
        if self.readings.is_empty() {
            // A bracket is within those before it only.
            self.levels.truncate(reading.level.map_or(0, |level| level.saturating_add(1)));
        }
        Some(reading)
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn rest(&self, at: usize) -> &'t str {
        self.text.get(at..).unwrap_or_default()
    }

    /// Reads a token, or what is between two.
    fn token(&mut self, mut reading: Reading) {
        let Some(c) = self.rest(reading.at).chars().next() else {
            return;
        };
        let rest = self.rest(reading.at);
        let is_between =
            c.is_whitespace() || c == '\u{feff}' || ["//", "/*"].iter().any(|comment| rest.starts_with(comment));
        if !is_between && is_over(reading.before, rest) {
            (reading.cost, reading.constraints) = self.base(reading.level);
        }
        // A name has letters, and escapes.
        reading.is_inferred &= is_between || is_word(c) || !c.is_ascii() || matches!(c, '\\' | '{' | '}');
        let reading = reading;
        let on = |bytes: usize| Reading { at: reading.at.saturating_add(bytes), ..reading };
        let token = |bytes: usize, before| Reading { before, is_new_line: false, ..on(bytes) };
        let counted = |token: Reading| Reading { cost: token.cost.saturating_add(WORD), ..token };
        match c {
            _ if is_line_end(c) => self.read_on(Reading { is_new_line: true, ..on(c.len_utf8()) }),
            _ if c.is_whitespace() || c == '\u{feff}' => self.read_on(on(c.len_utf8())),
            '/' if rest.starts_with("//") => {
                let at = self.line_end(reading.at);
                self.read_on(Reading { at, ..reading });
            }
            '/' if rest.starts_with("/*") => {
                let Some(end) = rest.get(2..).and_then(|comment| comment.find("*/")) else {
                    return;
                };
                let comment = rest.get(..end.saturating_add(2)).unwrap_or_default();
                let is_new_line = reading.is_new_line || comment.contains(is_line_end);
                self.read_on(Reading { is_new_line, ..on(end.saturating_add(4)) });
            }
            '/' => {
                let is_value = reading.before == Before::Value && !reading.is_new_line;
                if let Some(end) = self.regexp_end(reading.at).filter(|_| !is_value) {
                    self.read_on(Reading { at: end, ..token(0, Before::Value) });
                }
                if !matches!(reading.before, Before::Operator | Before::End) {
                    self.read_on(counted(token(1, Before::Operator)));
                }
            }
            '"' | '\'' => {
                if let Some(end) = self.string_end(reading.at, c) {
                    self.read_on(Reading { at: end, ..token(0, Before::Value) });
                }
            }
            '`' => self.template(token(1, Before::Either)),
            '(' | '[' | '{' => {
                let closed_by = match c {
                    '(' => b')',
                    '[' => b']',
                    _ => b'}',
                };
                let is_attempt = c == '(' && reading.before != Before::Value;
                let attempts = reading.attempts.saturating_add(is_attempt.into());
                self.open(token(1, Before::Operator), closed_by, attempts);
            }
            ')' | ']' => {
                let before = if c == ']' { Before::Value } else { Before::Either };
                self.close(token(1, before), c as u8);
            }
            '}' => {
                let is_template = reading.level.and_then(|level| self.levels.get(level));
                if is_template.is_some_and(|level| level.closed_by == TEMPLATE) {
                    if let Some(outer) = self.closed(token(1, Before::Either), TEMPLATE) {
                        self.template(outer);
                    }
                } else {
                    self.close(token(1, Before::Closed), b'}');
                }
            }
            ',' => self.read_on(token(1, Before::Operator)),
            ';' => self.read_on(token(1, Before::End)),
            '=' | '&' | '|' | '^' | '~' | '?' | ':' | '%' | '*' => self.read_on(counted(token(1, Before::Operator))),
            '<' | '-' => {
                if rest.starts_with("<!--") || rest.starts_with("-->") {
                    let at = self.line_end(reading.at);
                    self.read_on(Reading { at, ..reading });
                }
                let mut token = counted(token(1, Before::Either));
                if c == '<' {
                    token.cost = token.cost.saturating_add(ANGLE);
                }
                self.sign(reading, token, c == '<' || !rest.starts_with("--"));
            }
            '+' => self.sign(reading, counted(token(1, Before::Either)), !rest.starts_with("++")),
            c if is_word(c) => {
                let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                let word = rest.get(..end).unwrap_or_default();
                let is_keyword = Kind::match_keyword(word) != Kind::Ident;
                let is_constraint = word == "extends" && reading.is_inferred;
                let constraints = reading.constraints.saturating_add(is_constraint.into());
                let is_inferred = word == "infer" || reading.is_inferred && !is_constraint;
                let token = |bytes, before| Reading { constraints, is_inferred, ..token(bytes, before) };
                self.read_on(if is_keyword { counted(token(end, Before::Either)) } else { token(end, Before::Value) });
            }
            c if c.is_ascii() => self.read_on(counted(token(1, Before::Either))),
            c => self.read_on(token(c.len_utf8(), if c.is_alphabetic() { Before::Value } else { Before::Either })),
        }
    }

    /// A sign that may be one of two, which tell less of what follows.
    fn sign(&mut self, reading: Reading, token: Reading, is_alone: bool) {
        let is_second = reading.before == Before::Either;
        let before = if is_alone && !is_second { Before::Operator } else { Before::Either };
        self.read_on(Reading { before, ..token });
    }

    /// What is counted where nothing stands before at this level.
    fn base(&self, level: Option<usize>) -> (usize, u32) {
        let level = level.and_then(|level| self.levels.get(level));
        level.map_or((0, 0), |level| (level.cost.saturating_add(BRACKET), level.constraints))
    }

    fn open(&mut self, token: Reading, closed_by: u8, attempts: usize) {
        let level = self.levels.len();
        self.levels.push(Level {
            outer: token.level,
            closed_by,
            cost: token.cost,
            constraints: token.constraints,
            attempts: token.attempts,
        });
        self.read_on(Reading { level: Some(level), cost: token.cost.saturating_add(BRACKET), attempts, ..token });
    }

    fn close(&mut self, token: Reading, bracket: u8) {
        if let Some(outer) = self.closed(token, bracket) {
            self.read_on(outer);
        }
    }

    /// The reading behind a bracket; `None`: it closes nothing.
    fn closed(&self, token: Reading, bracket: u8) -> Option<Reading> {
        let level = self.levels.get(token.level?)?;
        (level.closed_by == bracket).then_some(Reading {
            level: level.outer,
            cost: level.cost,
            constraints: level.constraints,
            attempts: level.attempts,
            ..token
        })
    }

    /// Reads the text of a template, up to its end or to code.
    fn template(&mut self, reading: Reading) {
        let mut at = reading.at;
        while let Some(byte) = self.byte(at) {
            let next = at.saturating_add(1);
            match byte {
                b'\\' => at = at.saturating_add(2),
                b'`' => return self.read_on(Reading { at: next, before: Before::Value, ..reading }),
                b'$' if self.byte(next) == Some(b'{') => {
                    let token = Reading { at: at.saturating_add(2), before: Before::Operator, ..reading };
                    return self.open(token, TEMPLATE, reading.attempts);
                }
                _ => at = next,
            }
        }
    }

    fn line_end(&mut self, at: usize) -> usize {
        let rest = self.rest(at);
        let end = rest.find(is_line_end).unwrap_or(rest.len());
        self.looks = self.looks.saturating_sub(end);
        at.saturating_add(end)
    }

    /// Where a string ends; `None`: it does not, in its line.
    fn string_end(&self, at: usize, quote: char) -> Option<usize> {
        let mut chars = self.rest(at).char_indices().skip(1).peekable();
        while let Some((index, c)) = chars.next() {
            match c {
                '\\' => {
                    if let Some((_, '\r')) = chars.next() {
                        chars.next_if(|(_, c)| *c == '\n');
                    }
                }
                '\n' | '\r' => return None,
                c if c == quote => return Some(at.saturating_add(index).saturating_add(1)),
                _ => {}
            }
        }
        None
    }

    /// Where a regular expression ends; `None`: it does not, in its line.
    fn regexp_end(&mut self, at: usize) -> Option<usize> {
        let (mut is_escaped, mut is_class) = (false, false);
        for (index, c) in self.rest(at).char_indices().skip(1) {
            self.looks = self.looks.saturating_sub(1);
            match c {
                _ if is_line_end(c) => return None,
                _ if is_escaped => is_escaped = false,
                '/' if !is_class => return Some(at.saturating_add(index).saturating_add(1)),
                '[' => is_class = true,
                ']' => is_class = false,
                '\\' => is_escaped = true,
                _ => {}
            }
        }
        None
    }
}

/// Whether a statement has ended, and all of this level within which it stood, so that what comes is within none of it.
fn is_over(before: Before, rest: &str) -> bool {
    let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
    let (word, behind) = rest.split_at_checked(end).unwrap_or_default();
    match before {
        // An `if` goes on with `else`, and a `do` with `while`.
        Before::End => !word.starts_with("else") && !word.starts_with("while"),
        // Behind a value, a word that is no operator stands in another statement, or nothing can be parsed. So it does behind a block.
        Before::Closed => {
            word.starts_with(|c: char| c.is_ascii_alphabetic())
                && !GOING_ON.contains(&word)
                && !behind.starts_with(|c: char| c == '\\' || !c.is_ascii())
        }
        _ => false,
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '$')
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of stack, in brackets, that a text is found to take at most.
    fn brackets(text: &str) -> Option<usize> {
        (0..200).find(|brackets| check(text, brackets * BRACKET).is_ok())
    }

    #[test]
    fn what_is_closed_counts_no_more() {
        assert_eq!(brackets("((()))"), Some(3));
        assert_eq!(brackets(&"(a), [b], {c};".repeat(1000)), Some(1));
        assert_eq!(brackets(&"`${(a)} ${`${b}`}`;".repeat(1000)), Some(2));
        assert_eq!(brackets(&"if (a) { b = c }".repeat(1000)), Some(2));
        assert_eq!(brackets(&"f<A>(): B<C> { } ".repeat(1000)), Some(7));
        assert_eq!(brackets(&"let a = b ? c : d; /* e */ if (a) b = !c;".repeat(1000)), Some(2));
    }

    #[test]
    fn brackets_in_strings_comments_and_templates_are_none() {
        for text in [
            "'((('",
            "\"[[[\\\"(\"",
            "// (((\n",
            "/* (((\n */",
            "`((( ${a} [[[`",
            "'\\\r\n((('",
            "/[(/(/]/",
            "x = /\\/(((/",
        ] {
            assert_eq!(brackets(text).filter(|brackets| *brackets <= 1).map(|_| ()), Some(()), "{text}");
        }
    }

    #[test]
    fn a_bracket_that_closes_nothing_for_the_parser_closes_nothing() {
        let open = "(".repeat(100);
        let is_refused = |text: &str| assert!(check(text, 99 * BRACKET).is_err(), "{text:?}");
        for comment in ["//", "<!--", "-->"] {
            for end in ["\n", "\u{2028}", "\u{2029}"] {
                is_refused(&format!("({comment} ){end}").repeat(100));
            }
        }
        // In a regular expression, or in none.
        for (before, after) in [("if(1)/", "/"), ("{}/", "/"), ("a\n/", "/"), ("a++/", "/"), ("return/", "/")] {
            is_refused(&format!("{}{open}", format!("{before}`{after}").repeat(2)));
            is_refused(&format!("({before}){after}").repeat(100));
        }
        for begin in ["#!", "\u{feff}#!"] {
            is_refused(&format!("{begin} )\n{open}"));
        }
    }

    #[test]
    fn what_has_no_bracket_counts_as_well() {
        for unit in [
            "!",
            "a=",
            "a=>",
            "typeof ",
            "if(1)",
            "if(1);else ",
            "a?",
            "a?b:",
            "else ",
            "a.",
            "a:",
            "A<",
            "new ",
            "a**",
            "keyof ",
        ] {
            let text = unit.repeat(1000);
            assert!(matches!(check(&text, 999 * WORD), Err(Refused::TooDeep(_))), "{unit}");
        }
    }

    #[test]
    fn constraints_of_infer_count_twice_for_each_that_they_are_within() {
        for (before, behind) in [
            ("[infer A extends ", "?D:E]"),
            ("(infer/**/A extends ", "?D:E)"),
            ("{a:infer \\u{61} extends\n", "?D:E}"),
            ("B<infer É extends ", "?D:E>"),
            ("()=>infer infer extends ", "?D:E"),
        ] {
            let text = |depth| format!("type T = U extends {}C{}", before.repeat(depth), behind.repeat(depth));
            assert_eq!(check(&text(10), usize::MAX), Ok(()), "{before}");
            assert!(matches!(check(&text(40), usize::MAX), Err(Refused::TooDeep(_))), "{before}");
        }
        // One after another, and without a constraint.
        check(&"type A<T> = T extends [infer B extends C, infer D] ? B : D;\n".repeat(1000), usize::MAX).unwrap();
        check(&"type A<T> = T extends [infer B, infer D] ? { b: B } : D\n".repeat(1000), usize::MAX).unwrap();
    }

    #[test]
    fn parentheses_that_are_read_as_parameters_first_count_once_for_each_that_they_are_within() {
        let text = |depth, within: &str| format!("{}{within}{}", "(a=(".repeat(depth), "))".repeat(depth));
        assert_eq!(check(&text(300, "1"), usize::MAX), Ok(()));
        assert!(matches!(check(&text(300, &"b;".repeat(100_000)), usize::MAX), Err(Refused::TooDeep(_))));
        // A call is none, and those that are closed are none any more.
        let within = "f(a, (b), () => { g((h) => { i((j)) }) });".repeat(20_000);
        check(&format!("(function () {{ (() => {{ {within} }})() }})()"), usize::MAX).unwrap();
    }

    #[test]
    fn a_text_with_nothing_in_it_is_read() {
        for text in ["", "\u{feff}", " ", "#!", "//"] {
            assert_eq!(check(text, usize::MAX), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn what_takes_too_many_ways_or_too_long_to_read_is_refused() {
        let text: String = (0..1000).map(|n| format!("a\n/ b {} c /\n", "(".repeat(n % 90 + 1))).collect();
        assert!(matches!(check(&text, usize::MAX), Err(Refused::Ambiguous(_))));
        assert!(matches!(check(&"()/[".repeat(100_000), usize::MAX), Err(Refused::Ambiguous(_))));
        // Few enough, but each goes its own way through all that follows.
        let ways: String = (1..6).map(|n| format!("a\n/ b {} c /\n", "{".repeat(1 << n))).collect();
        assert!(matches!(check(&(ways + &"a ".repeat(100_000)), usize::MAX), Err(Refused::Ambiguous(_))));
    }
}
