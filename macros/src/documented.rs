//! The documentation shows what is generated: this compares the two.

use std::fs;

use quote::ToTokens as _;
use syn::{File, Item, Meta};

use crate::expansion;

/// Paths as the documentation writes them.
const SHORT: [(&str, &str); 7] = [
    ("::std::result::Result::Ok", "Ok"),
    ("::std::clone::", ""),
    ("::std::convert::", ""),
    ("::std::result::", ""),
    ("::std::string::", ""),
    ("::std::", ""),
    ("::aiointernal::", ""),
];

#[test]
fn the_documentation_shows_what_is_generated_for_its_example() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../host/src/thread/heap_thread.md");
    let docs = fs::read_to_string(path).expect("the documentation");
    let code: Vec<&str> = docs.split("```").skip(1).step_by(2).collect();
    let [before, after] = code[..] else {
        panic!("the documentation has two pieces of code");
    };
    let (before, _) = before.split_once("# fn main").expect("the example uses what it declares");
    let generated = pretty(expand(before).to_token_stream().to_string().as_str());
    let short = SHORT.iter().fold(generated, |text, (long, short)| text.replace(long, short));
    let generated = pretty(&short);
    let shown = after.lines().filter(|line| !line.starts_with("# "));
    assert!(shown.filter(has_text).eq(generated.lines().filter(has_text)), "what is generated is now:\n{generated}");
}

fn has_text(line: &&str) -> bool {
    !line.trim().is_empty()
}

fn pretty(code: &str) -> String {
    prettyplease::unparse(&syn::parse_file(code).expect("items"))
}

/// What the one `impl` block becomes, without the block itself.
fn expand(code: &str) -> File {
    let items = syn::parse_file(code).expect("items").items;
    let mut blocks = items.into_iter().filter_map(|item| match item {
        Item::Impl(block) => Some(block),
        _ => None,
    });
    let mut block = blocks.next().expect("an impl block");
    let index = block.attrs.iter().position(|attribute| attribute.path().is_ident("heap_thread"));
    let attribute = block.attrs.remove(index.expect("the attribute"));
    let Meta::List(list) = attribute.meta else {
        panic!("the attribute names the handle");
    };
    let mut file: File = syn::parse2(expansion::of(list.tokens, block.to_token_stream())).expect("items");
    file.items.remove(0);
    file
}
