//! Regular expressions that nobody wrote, of the instructions that `guest/patches/libregexp.c/regexp_loop.h` runs and of some that it leaves.
//!
//! What repeats without end is within nothing that repeats, there are three such at most, and texts are short: so every search ends soon.

use super::program::choices::Choices;

const ATOMS: [&str; 32] = [
    "a",
    "b",
    "ab",
    "B",
    "é",
    "ſ",
    "😀",
    ".",
    "\\d",
    "\\w",
    "\\W",
    "\\s",
    "\\S",
    "\\b",
    "\\B",
    "^",
    "$",
    "[ab]",
    "[^a]",
    "[a-c0-9_]",
    "[^\\w]",
    "[😀é]",
    "[K-ſ]",
    "\\1",
    "\\2",
    "\\k<n>",
    "\\n",
    " ",
    "\\u{1F600}",
    "\\ud83d",
    "[\\uffff]",
    "",
];

const REPEATS: [&str; 8] = ["?", "??", "{2}", "{0,2}", "{1,3}?", "{0}", "{1}", "{2,3}"];

const ENDLESS: [&str; 6] = ["*", "+", "*?", "+?", "{2,}", "{3,}?"];

const GROUPS: [&str; 7] = ["(", "(?:", "(?<n>", "(?=", "(?!", "(?<=", "(?<!"];

const FLAGS: [&str; 10] = ["", "g", "i", "m", "s", "u", "y", "gi", "iu", "gimsu"];

const TEXTS: [&str; 24] = [
    "a", "b", "c", "A", "B", "0", "7", "_", " ", "\\n", "\\u2028", "é", "É", "ſ", "s", "S", "K", "\\u212a", "😀",
    "\\ud83d", "\\ude00", "aab", "abab", "\\uffff",
];

/// A list of searches as source text: of each, the pattern, its flags and what it is looked for in.
pub(super) fn searches(bytes: &[u8]) -> String {
    let mut choices = Choices::new(bytes);
    let mut list = String::from("[");
    while !choices.is_empty() {
        let pattern = alternatives(&mut choices, 3, &mut 3);
        let flags = choices.pick(&FLAGS);
        let text: String = (0..choices.below(20)).map(|_| choices.pick(&TEXTS)).collect();
        list.push_str(&format!("[{pattern:?}, {flags:?}, \"{text}\"],"));
    }
    list.push(']');
    list
}

/// So many may still repeat without end.
fn alternatives(choices: &mut Choices<'_>, depth: usize, endless: &mut usize) -> String {
    let mut pattern = terms(choices, depth, endless);
    while choices.one_in(4) {
        pattern.push('|');
        pattern.push_str(&terms(choices, depth, endless));
    }
    pattern
}

fn terms(choices: &mut Choices<'_>, depth: usize, endless: &mut usize) -> String {
    let mut pattern = String::new();
    for _ in 0..choices.below(4) {
        let repeat = match choices.below(4) {
            0 if *endless > 0 => {
                *endless -= 1;
                choices.pick(&ENDLESS)
            }
            0 | 1 => choices.pick(&REPEATS),
            _ => "",
        };
        if depth > 0 && choices.one_in(3) {
            pattern.push_str(choices.pick(&GROUPS));
            let mut none = 0;
            let within = if repeat.is_empty() { &mut *endless } else { &mut none };
            pattern.push_str(&alternatives(choices, depth - 1, within));
            pattern.push(')');
        } else {
            pattern.push_str(choices.pick(&ATOMS));
        }
        pattern.push_str(repeat);
    }
    pattern
}
