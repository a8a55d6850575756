//! The loops of frequent instructions, of scripts and of regular expressions (`guest/patches/*/*_loop.h`), beside the same engine without
//! them: native rquickjs.

use std::{env, fmt};

use proptest::{
    collection::vec,
    prelude::{Strategy as _, any},
    prop_assert,
    test_runner::{Config, RngSeed, TestRunner},
};
use rquickjs::{Context, Promise, Runtime, context::EvalOptions};

use self::program::PRELUDE;
use crate::context::SANDBOX;

mod pattern;
mod program;

/// Looks for each pattern, and lists what there is: matches, groups and places, or why it is none.
const SEARCH: &str = "async (list) => JSON.stringify(list.map(([pattern, flags, text]) => {
    try {
        const regexp = new RegExp(pattern, flags);
        const found = [regexp.exec(text), regexp.lastIndex, text.replace(regexp, '<$&>'), text.split(regexp, 9)];
        return [pattern, flags, text, found, found[0]?.index, found[0]?.groups];
    } catch (error) {
        return [pattern, flags, `${error}`];
    }
}), null, 1)";

/// The text of a program.
struct Program(String);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[test]
fn a_generated_program_does_what_it_does_without_the_loop_of_frequent_instructions() {
    compare(1200, |bytes| format!("{PRELUDE}{}", program::program(bytes)));
}

#[test]
fn a_generated_regular_expression_finds_what_it_finds_without_the_loop_of_frequent_instructions() {
    compare(2000, |bytes| format!("({SEARCH})({})", pattern::searches(bytes)));
}

/// Longer than what is searched between two looks at the deadline.
#[test]
fn a_search_of_a_long_text_finds_what_it_finds_without_the_loop_of_frequent_instructions() {
    let patterns = ["b", "[b-d]", "a*?b", "(?<=a)b", "^b", "(a|b)b", "[^a]$", "a{3}b", "(?:aa)+b", "\\bab"];
    let mut list = String::from("[");
    for pattern in patterns {
        for flags in ["", "i", "m", "s", "u", "iu", "y"] {
            list.push_str(&format!(
                "[\"{pattern}\", \"{flags}\", long + 'b'], [\"{pattern}\", \"{flags}\", wide + 'Bé'],"
            ));
        }
    }
    list.push(']');
    // Of what is found, only so much that it can be compared.
    let source = format!(
        "(async () => {{
            const long = 'a'.repeat(25_000), wide = '😀a'.repeat(12_500), search = {SEARCH};
            let all = '';
            for (const one of {list}) {{
                const found = await search([one]);
                all += found.replace(/(.)\\1{{50,}}|(?:😀a){{50,}}/g, (run) => `${{run.length}} times`);
            }}
            return all;
        }})()"
    );
    assert_eq!(ours(&source), native(&source));
}

/// The same 1,000 programs each time, made from up to so many bytes; `PROPTEST_CASES` makes it more, `PROPTEST_RNG_SEED` others.
fn compare(most: usize, program: impl Fn(&[u8]) -> String) {
    let mut config = Config { failure_persistence: None, ..Config::default() };
    if env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 1000;
    }
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    let programs = vec(any::<u8>(), 0..most).prop_map(|bytes| Program(program(&bytes)));
    let outcome = TestRunner::new(config).run(&programs, |Program(source)| {
        let (ours, native) = (ours(&source), native(&source));
        let differs = ours.lines().zip(native.lines()).find(|(ours, native)| ours != native);
        prop_assert!(ours == native, "ours and native differ: {differs:#?}");
        Ok(())
    });
    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

fn ours(source: &str) -> String {
    let context = SANDBOX.context().blocking().unwrap();
    context.eval(source).blocking().unwrap().as_str().unwrap().to_owned()
}

fn native(source: &str) -> String {
    let context = Context::full(&Runtime::new().unwrap()).unwrap();
    context.with(|ctx| {
        let mut options = EvalOptions::default();
        options.strict = false;
        let promise: Promise<'_> = ctx.eval_with_options(source, options).unwrap();
        promise.finish().unwrap()
    })
}
