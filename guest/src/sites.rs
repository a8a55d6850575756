//! Where a text imports: for the place of an import that fails, which QuickJS does not tell.
//!
//! A text is not parsed for that. An import is taken to be a literal behind the word `from` or `import`, in a line that is no
//! comment; one that is written otherwise has no place.

/// Bytes before a literal that are looked at: no import that has a place is longer.
const MAX_LOOK: usize = 4096;

/// An import of a text, or an export from elsewhere.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) specifier: String,
    /// What stands between `import` or `export` and `from`.
    clause: String,
    /// Where the specifier stands. Both count from 1, and columns are bytes.
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl Site {
    /// The imports of a text, in their order.
    pub(crate) fn of(text: &str) -> Vec<Site> {
        let mut sites = Vec::new();
        // Behind the literal before of this kind; how far lines are counted, and where the last one begins.
        let (mut end, mut line, mut counted, mut line_start, mut at) = (0, 1, 0, 0, 0);
        while let Some(found) = text[at..].find(['"', '\'']) {
            let start = at + found;
            at = start + 1;
            let look = text.ceil_char_boundary(end.max(start.saturating_sub(MAX_LOOK)));
            let before = text[look..start].trim_end();
            let is_import = before.ends_with("import");
            let Some(head) = before.strip_suffix(if is_import { "import" } else { "from" }) else {
                continue;
            };
            // Nothing is looked at twice, whatever a text is made of.
            end = at;
            let Some((clause, specifier)) = import_at(head, is_import, &text[start..]) else {
                continue;
            };
            let passed = &text[counted..start];
            line += passed.matches('\n').count() as u32;
            line_start = passed.rfind('\n').map_or(line_start, |end| counted + end + 1);
            counted = start;
            at += specifier.len() + 1;
            end = at;
            let column = (start - line_start + 1) as u32;
            sites.push(Site { specifier: specifier.to_owned(), clause: clause.to_owned(), line, column });
        }
        sites
    }

    /// Whether it asks for the export of this name.
    pub(crate) fn names(&self, export: &str) -> bool {
        let clause = self.clause.trim_start();
        let is_default = export == "default" && !clause.starts_with(['{', '*']);
        is_default || last_word(clause, export).is_some()
    }
}

/// What an import names, and its specifier, where `literal` begins with one, and `head` and a word stand before that.
fn import_at<'t>(head: &'t str, is_import: bool, literal: &'t str) -> Option<(&'t str, &'t str)> {
    if head.ends_with(in_name) {
        return None;
    }
    let line = head[head.rfind('\n').map_or(0, |end| end + 1)..].trim_start();
    if ["//", "/*", "*"].iter().any(|comment| line.starts_with(comment)) {
        return None;
    }
    let specifier = literal[1..].split(&literal[..1]).next()?;
    if specifier.len() + 2 > literal.len() || specifier.contains(['\\', '\n']) {
        return None;
    }
    if is_import {
        return Some(("", specifier));
    }
    let start = last_word(head, "import").max(last_word(head, "export"))?;
    Some((&head[start + "import".len()..], specifier))
}

/// Where a word stands the last time in a text.
fn last_word(text: &str, word: &str) -> Option<usize> {
    let stands = |at: &usize| !text[..*at].ends_with(in_name) && !text[at + word.len()..].starts_with(in_name);
    text.rmatch_indices(word).map(|(at, _)| at).find(stands)
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_have_their_places_and_other_texts_none() {
        for (text, places) in [
            ("import 'a'", vec![("a", 1, 8)]),
            ("x;import'a';import{b}from\"c\"\nexport*from 'd'", vec![("a", 1, 9), ("c", 1, 26), ("d", 2, 13)]),
            ("é; import\n\n  'a'", vec![("a", 3, 3)]),
            ("import { important } from 'a'", vec![("a", 1, 27)]),
            ("// import 'a'\n/* import 'b'\n * import 'c'\n */ import('d')", vec![]),
            ("o.from 'a'; refrom 'b'; from 'c'; reimport 'd'; $from 'e'", vec![]),
            ("import 'a\\x'; import 'b\n'; import 'c", vec![]),
        ] {
            let sites = Site::of(text);
            let seen: Vec<_> = sites.iter().map(|site| (site.specifier.as_str(), site.line, site.column)).collect();
            assert_eq!(seen, places, "{text}");
        }
    }

    #[test]
    fn a_text_of_unfinished_imports_is_looked_at_once() {
        for part in [" from\"", "from '", "import \\'", "\"from", " \"", "import{}from'a'"] {
            assert!(Site::of(&part.repeat((4 << 20) / part.len())).len() <= (4 << 20) / 15);
        }
    }
}
