//! What texts and queries are made of.

use std::ops::Range;

/// The terms of a text, in order: runs of letters and digits, in lower case.
pub fn terms(text: &str) -> impl Iterator<Item = String> {
    places(text).map(|place| text[place].to_lowercase())
}

/// Where the terms of a text are, in bytes.
pub(crate) fn places(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end + text[end..].find(char::is_alphanumeric)?;
        let length = text[start..].find(|c: char| !c.is_alphanumeric());
        end = length.map_or(text.len(), |length| start + length);
        Some(start..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        assert_eq!(terms(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_term_is_a_run_of_letters_and_digits() {
        check("Hello, World! x2 3.5", &["hello", "world", "x2", "3", "5"]);
    }

    #[test]
    fn terms_are_in_lower_case_in_every_script() {
        check("ÄRGER ΣΊΣΥΦΟΣ Москва 東京", &["ärger", "σίσυφος", "москва", "東京"]);
    }

    #[test]
    fn a_text_without_letters_has_no_terms() {
        check("", &[]);
        check(" -- … !\n", &[]);
    }
}
