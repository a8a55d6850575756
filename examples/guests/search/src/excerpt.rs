//! A few words around the place that matches.

use crate::terms::places;

/// Characters that an excerpt shows before the place that matches, at most.
const BEFORE: usize = 40;
/// Characters that it shows from there on, at most.
const FROM: usize = 80;

/// The text around its term of this number, on one line.
pub(crate) fn excerpt(text: &str, term: u32) -> String {
    let place = places(text).nth(term as usize).map_or(0, |place| place.start);
    let (before, from) = text.split_at(place);

    let start = before.char_indices().rev().take(BEFORE).last().map_or(place, |(start, _)| start);
    let end = from.char_indices().nth(FROM).map_or(text.len(), |(length, _)| place + length);
    let mut excerpt = String::with_capacity(end - start + 2 * '…'.len_utf8());
    if start > 0 {
        excerpt.push('…');
    }
    for word in text[start..end].split_whitespace() {
        if !excerpt.is_empty() && !excerpt.ends_with('…') {
            excerpt.push(' ');
        }
        excerpt.push_str(word);
    }
    if end < text.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_text_is_its_own_excerpt_on_one_line() {
        assert_eq!(excerpt("  one\ttwo\n\nthree ", 1), "one two three");
        assert_eq!(excerpt("", 0), "");
    }

    #[test]
    fn a_long_text_is_cut_on_both_sides_between_characters() {
        let text = "é".repeat(100) + " Here " + &"ß".repeat(100);
        let expected = format!("…{} Here {}…", "é".repeat(39), "ß".repeat(75));
        assert_eq!(excerpt(&text, 1), expected);
    }

    #[test]
    fn a_number_behind_the_last_term_shows_the_beginning() {
        assert_eq!(excerpt("one two", 9), "one two");
    }
}
