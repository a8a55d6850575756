//! The search, natively: what users of the component see, and a plain scan that has to agree with it.

use example_search::{Document, Failure, Hit, Index, QueryError, Settings, terms};

const ROOM: Settings = Settings { documents: 1000, document_bytes: 10_000 };

fn document(id: &str, text: &str) -> Document {
    Document { id: id.into(), text: text.into() }
}

fn index(documents: &[(&str, &str)]) -> Index {
    let mut index = Index::new(ROOM);
    for (id, text) in documents {
        index.add(document(id, text)).unwrap();
    }
    index
}

fn library() -> Index {
    index(&[
        (
            "moby",
            "Call me Ishmael. Some years ago, never mind how long precisely, I thought I would sail about a little.",
        ),
        ("pride", "It is a truth universally acknowledged, that a single man must be in want of a wife."),
        ("tale", "It was the best of times, it was the worst of times, it was the age of wisdom."),
        ("anna", "Happy families are all alike; every unhappy family is unhappy in its own way."),
        ("1984", "It was a bright cold day in April, and the clocks were striking thirteen."),
    ])
}

fn ids(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

#[track_caller]
fn check(index: &Index, query: &str, expected: &[&str]) {
    let mut found: Vec<Hit> = index.search(query).unwrap().next(u32::MAX);
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(ids(&found), expected, "{query}");
}

#[test]
fn a_document_has_every_part_of_the_query() {
    let index = library();
    check(&index, "was", &["1984", "tale"]);
    check(&index, "WAS Cold", &["1984"]);
    check(&index, "was nothing", &[]);
}

#[test]
fn a_star_stands_for_the_rest_of_a_term() {
    let index = library();
    check(&index, "famil*", &["anna"]);
    check(&index, "a*", &["1984", "anna", "moby", "pride", "tale"]);
    check(&index, "ap*", &["1984"]);
    check(&index, "zz*", &[]);
}

#[test]
fn a_quotation_is_one_term_after_the_other() {
    let index = library();
    check(&index, "\"best of times\"", &["tale"]);
    check(&index, "\"times of best\"", &[]);
    check(&index, "it-was", &["1984", "tale"]);
    check(&index, "\"it was the worst\" \"age of\"", &["tale"]);
}

#[test]
fn a_hyphen_excludes() {
    let index = library();
    check(&index, "it -was", &["pride"]);
    check(&index, "it -\"bright cold day\"", &["pride", "tale"]);
    check(&index, "it -wi*", &["1984"]);
}

#[test]
fn the_document_that_says_it_more_often_and_in_fewer_words_comes_first() {
    let long = format!("rust {}", "word ".repeat(100));
    let index = index(&[("long", &long), ("twice", "rust and rust"), ("once", "rust and iron")]);
    let hits = index.search("rust").unwrap().next(10);
    assert_eq!(ids(&hits), ["twice", "once", "long"]);
    assert!(hits[0].score > hits[1].score && hits[1].score > hits[2].score && hits[2].score > 0.0);
}

#[test]
fn a_rare_term_counts_more_than_a_common_one() {
    let index = index(&[("common", "apple apple pear"), ("rare", "apple pear pear"), ("x", "apple"), ("y", "apple")]);
    assert_eq!(ids(&index.search("apple pear").unwrap().next(10)), ["rare", "common"]);
}

#[test]
fn of_equal_matches_the_first_that_was_added_comes_first() {
    let mut index = Index::new(ROOM);
    let names: Vec<String> = (0..50).rev().map(|number| format!("document {number}")).collect();
    for name in &names {
        index.add(document(name, "the same text")).unwrap();
    }
    let mut matches = index.search("same").unwrap();
    let found: Vec<String> = matches.next(100).into_iter().map(|hit| hit.id).collect();
    assert_eq!(found, names);
}

#[test]
fn matches_are_pulled_as_many_at_a_time_as_are_wanted() {
    let index = index(&[("a", "x"), ("b", "x"), ("c", "x"), ("d", "y")]);
    let mut matches = index.search("x").unwrap();
    assert_eq!(matches.remaining(), 3);
    assert_eq!(matches.next(0), []);
    assert_eq!(ids(&matches.next(2)), ["a", "b"]);
    assert_eq!(matches.remaining(), 1);
    assert_eq!(ids(&matches.next(2)), ["c"]);
    assert_eq!(matches.next(2), []);
    assert_eq!(matches.remaining(), 0);
}

#[test]
fn matches_stay_those_of_the_moment_of_the_search() {
    let mut index = index(&[("a", "x"), ("b", "x"), ("c", "x")]);
    let mut matches = index.search("x").unwrap();
    assert!(index.remove("a"));
    assert!(index.remove("b"));
    index.add(document("b", "x")).unwrap();
    index.add(document("d", "x")).unwrap();
    assert_eq!(ids(&matches.next(10)), ["c"]);
    check(&index, "x", &["b", "c", "d"]);
}

#[test]
fn matches_outlive_the_handle_of_their_index() {
    let mut matches = index(&[("a", "x")]).search("x").unwrap();
    assert_eq!(ids(&matches.next(1)), ["a"]);
}

#[test]
fn an_excerpt_shows_the_first_place_that_matches() {
    let index = library();
    let hits = index.search("striking clocks").unwrap().next(1);
    assert_eq!(hits[0].excerpt, "…was a bright cold day in April, and the clocks were striking thirteen.");
    let hits = index.search("unhappy").unwrap().next(1);
    assert_eq!(hits[0].excerpt, "Happy families are all alike; every unhappy family is unhappy in its own way.");
}

#[test]
fn a_removed_document_leaves_nothing_behind() {
    let mut index = library();
    assert!(index.remove("tale"));
    assert!(!index.remove("tale"));
    assert_eq!(index.len(), 4);
    check(&index, "wisdom", &[]);
    check(&index, "was", &["1984"]);
    let alone = self::index(&[("a", "x y")]).search("x").unwrap().next(1);
    let mut emptied = self::index(&[("b", "x x x z"), ("a", "x y")]);
    emptied.remove("b");
    assert_eq!(emptied.search("x").unwrap().next(1), alone, "scores are as if it had never been there");
}

#[test]
fn an_index_refuses_what_is_too_much_and_is_as_it_was() {
    let mut index = Index::new(Settings { documents: 2, document_bytes: 5 });
    index.add(document("a", "1234")).unwrap();
    assert_eq!(index.add(document("a", "x")), Err(Failure::Duplicate("a".into())));
    assert_eq!(index.add(document("b", "12345")), Err(Failure::TooLong(5)));
    index.add(document("b", "xy")).unwrap();
    assert_eq!(index.add(document("c", "xy")), Err(Failure::Full(2)));
    assert_eq!(index.len(), 2);
    check(&index, "xy", &["b"]);
    assert!(index.remove("a"));
    index.add(document("c", "xy")).unwrap();
}

#[test]
fn a_query_that_cannot_be_read_is_refused_with_its_place() {
    let error = library().search("was \"best of").unwrap_err();
    assert_eq!(error, Failure::MalformedQuery(QueryError { at: 4, reason: "a quotation without its end" }));
}

#[test]
fn an_empty_index_finds_nothing() {
    assert_eq!(index(&[]).search("x").unwrap().remaining(), 0);
    assert_eq!(index(&[("silent", "...")]).search("x").unwrap().remaining(), 0);
}

/// Numbers that look random and are the same each time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % end
    }
}

/// What the query means, without an index.
fn scan<'a>(
    documents: &'a [(String, Vec<&str>)],
    word: &str,
    prefix: &str,
    phrase: [&str; 2],
    not: &str,
) -> Vec<&'a str> {
    let matching = documents.iter().filter(|(_, terms)| {
        terms.contains(&word)
            && terms.iter().any(|term| term.starts_with(prefix))
            && terms.windows(2).any(|pair| pair == phrase)
            && !terms.contains(&not)
    });
    matching.map(|(id, _)| id.as_str()).collect()
}

#[test]
fn the_index_agrees_with_a_plain_scan_whatever_was_added_and_removed() {
    const WORDS: [&str; 8] = ["ab", "abc", "b", "bc", "ca", "cab", "d", "dab"];
    const PREFIXES: [&str; 4] = ["a", "ab", "c", "da"];
    let mut numbers = Numbers(7);
    let mut index = Index::new(ROOM);
    let mut documents: Vec<(String, Vec<&str>)> = Vec::new();
    let mut found_any = 0;
    for round in 0..3000 {
        if documents.len() > 40 {
            let (id, _) = documents.remove(numbers.below(documents.len()));
            assert!(index.remove(&id));
        }
        let words: Vec<&str> = (0..numbers.below(12)).map(|_| WORDS[numbers.below(8)]).collect();
        let id = format!("{round:05}");
        index.add(document(&id, &words.join(", "))).unwrap();
        documents.push((id, words));

        let mut word = || WORDS[numbers.below(8)];
        let (sought, phrase, not) = (word(), [word(), word()], word());
        let prefix = PREFIXES[numbers.below(4)];
        let query = format!("{sought} {prefix}* \"{} {}\" -{not}", phrase[0], phrase[1]);
        let expected = scan(&documents, sought, prefix, phrase, not);
        check(&index, &query, &expected);
        found_any += usize::from(!expected.is_empty());
    }
    assert!(found_any > 500, "{found_any} of the queries found something");
}

#[test]
fn every_term_of_a_text_finds_it() {
    let text = "Zwölf Boxkämpfer jagen Viktor quer über den grünen Sylter Deich; 12 ΣΊΣΥΦΟΣ 東京 naïve";
    let index = index(&[("a", text)]);
    for term in terms(text) {
        check(&index, &term, &["a"]);
        check(&index, &term.to_uppercase(), &["a"]);
    }
}
