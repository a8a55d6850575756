//! What is typed, as a text.

use aiointernal::Error;

/// The name of every input in stacks.
pub(super) const NAME: &str = "<repl>";

/// Words that begin or join statements and expressions.
const KEYWORDS: &[&str] = &[
    "async",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "import",
    "in",
    "instanceof",
    "let",
    "new",
    "null",
    "of",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "var",
    "void",
    "while",
    "with",
    "yield",
];

/// Where the parser stumbled, as line and column from 1, where an error is that the input itself does not parse.
pub(super) fn unparsed(error: &Error) -> Option<(usize, usize)> {
    let exception = error.exception().filter(|exception| exception.name == "SyntaxError")?;
    // A frame of code that ran names a function; where the input itself does not parse, there is only a place.
    let place = exception.stack.lines().next()?.trim_start().strip_prefix("at ")?;
    let (line, column) = place.strip_prefix(NAME)?.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Whether a source only lacks its end: the parser stumbled there, or within a comment or template that is still open.
pub(super) fn is_unfinished(input: &str, error: &Error) -> bool {
    let (Some((line, column)), Some(exception)) = (unparsed(error), error.exception()) else {
        return false;
    };
    let mut lines = input.split('\n');
    let Some(text) = lines.nth(usize::saturating_sub(line, 1)) else {
        return true;
    };
    match exception.message.as_str() {
        "unexpected end of comment" => true,
        "unexpected end of string" => text.chars().nth(column.saturating_sub(1)) == Some('`'),
        _ => lines.next().is_none() && column > text.chars().count(),
    }
}

/// The input as an expression, where it may be an object that would else be a block: as in Node, unless it ends with `;`.
pub(super) fn as_object(input: &str) -> Option<String> {
    let input = input.trim();
    (input.starts_with('{') && !input.ends_with(';')).then(|| format!("({input}\n)"))
}

pub(super) fn is_part_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

pub(super) fn is_name(word: &str) -> bool {
    word.chars().all(is_part_of_name) && word.chars().next().is_some_and(|first| !first.is_numeric())
}

/// The path and the beginning of a name at the end of a text: of `f(a.b.c`, `a` and `b`, and `c`. None where names have
/// nothing to do with it, as in a number, or where there is more than names to evaluate first.
pub(super) fn path(text: &str) -> Option<(Vec<&str>, &str)> {
    let (mut rest, prefix) = last_name(text);
    let mut path = Vec::new();
    while !rest.ends_with("...")
        && let Some(before) = rest.strip_suffix('.')
    {
        let (before, name) = last_name(before.strip_suffix('?').unwrap_or(before));
        path.insert(0, name);
        rest = before;
    }
    let is_path = path.iter().copied().all(is_name) && (prefix.is_empty() || is_name(prefix));
    is_path.then_some((path, prefix))
}

fn last_name(text: &str) -> (&str, &str) {
    text.split_at(text.trim_end_matches(is_part_of_name).len())
}

/// The keywords that begin with this.
pub(super) fn keywords(prefix: &str) -> impl Iterator<Item = String> {
    KEYWORDS.iter().filter(move |keyword| keyword.starts_with(prefix)).map(|keyword| (*keyword).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_the_names_before_the_cursor() {
        for (text, path_of_it) in [
            ("", Some((vec![], ""))),
            ("Ma", Some((vec![], "Ma"))),
            ("Math.", Some((vec!["Math"], ""))),
            ("f(a.b.c", Some((vec!["a", "b"], "c"))),
            ("1 + $x?._y.z", Some((vec!["$x", "_y"], "z"))),
            ("[...it", Some((vec![], "it"))),
            ("[...it.em", Some((vec!["it"], "em"))),
            ("été.é", Some((vec!["été"], "é"))),
            ("this.", Some((vec!["this"], ""))),
            ("12", None),
            ("1.to", None),
            ("f().", None),
            ("f().b.c", None),
            ("a[0].b", None),
            ("'text'.le", None),
            ("a..b", None),
            (".a", None),
        ] {
            assert_eq!(path(text), path_of_it, "{text}");
        }
    }

    #[test]
    fn what_begins_with_a_brace_may_be_an_object() {
        assert_eq!(as_object(" { a: 1 } // one").as_deref(), Some("({ a: 1 } // one\n)"));
        assert_eq!(as_object("{ a: 1 };"), None);
        assert_eq!(as_object("f({})"), None);
    }
}
