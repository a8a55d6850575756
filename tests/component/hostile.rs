//! Components that mean harm: what each of their ways ends with, and that the next call finds a fresh instance.

use aiointernal::component::{Held, wasmtime::component::ResourceAny};

use super::*;

const RESULTS: &str = include_str!("hostile/results.wat");
const REALLOC: &str = include_str!("hostile/realloc.wat");
const POST_RETURN: &str = include_str!("hostile/post_return.wat");
const CODE: &str = include_str!("hostile/code.wat");
const RESOURCES: &str = include_str!("hostile/resources.wat");

const SHORT: Duration = Duration::from_millis(20);

/// Each of these calls ends with this kind of error and says this, and the next one is served by a fresh instance.
#[track_caller]
fn each_ends(component: &Called, expected: ErrorKind, calls: &[(&str, &str)]) {
    for (call, says) in calls {
        let (kind, kept, message) = failure(component, call);
        assert_eq!((kind, kept), (expected, false), "{call}: {message}");
        assert!(message.contains(says), "{call}: there is no {says:?} in {message:?}");
        assert_eq!(text(component, "fine()"), "7", "after {call}");
    }
}

/// Each of these calls gives this text.
#[track_caller]
fn each_gives(component: &Called, calls: &[(&str, &str)]) {
    for (call, expected) in calls {
        assert_eq!(text(component, call), *expected, "{call}");
    }
}

fn short(limits: &mut Limits) {
    limits.wall_time = SHORT;
}

#[test]
fn a_result_at_the_edge_of_the_memory_is_read() {
    // 1000 pages: the last byte is at 65535999.
    each_gives(
        &open(RESULTS),
        &[
            ("text(65536000, 0)", r#""""#),
            ("text(65535996, 4)", r#""\u{0}\u{0}\u{0}\u{0}""#),
            ("bytes(65535999, 1)", "[0]"),
            ("longs(65535992, 1)", "[0]"),
            ("wide(65535998, 1)", r#""\u{0}""#),
            ("at(65535984)", r#"(0, "")"#),
        ],
    );
}

#[test]
fn a_result_beyond_the_memory_traps() {
    let beyond = "out of bounds";
    each_ends(
        &open(RESULTS),
        ErrorKind::Trapped,
        &[
            ("text(65535997, 4)", beyond),
            ("text(65536001, 0)", beyond),
            ("text(4294967295, 0)", beyond),
            ("text(4294967295, 1)", beyond),
            ("text(0, 4294967295)", beyond),
            ("text(4294967295, 4294967295)", beyond),
            ("wide(2, 2147483648)", beyond),
            ("wide(2, 4294967295)", beyond),
            ("compact(2, 4294967295)", beyond),
            ("compact(65535998, 2147483650)", beyond),
            ("bytes(65535999, 2)", beyond),
            ("bytes(2, 4294967295)", beyond),
            ("longs(65535992, 2)", beyond),
            ("longs(8, 536870912)", beyond),
            ("longs(8, 4294967295)", beyond),
            ("texts(4294967292, 1)", beyond),
            ("texts(4, 536870911)", beyond),
            ("units(65535999, 2)", beyond),
            ("mirrored-texts(1, 65535999, 2)", beyond),
            ("mirrored-lists(1, 65535992, 2)", beyond),
            ("at(65535992)", beyond),
            ("at(4294967288)", beyond),
        ],
    );
}

#[test]
fn a_result_that_is_not_aligned_traps() {
    let aligned = "not aligned";
    each_ends(
        &open(RESULTS),
        ErrorKind::Trapped,
        &[
            ("wide(1, 1)", aligned),
            ("compact(1, 1)", aligned),
            ("longs(4, 1)", aligned),
            ("texts(2, 1)", aligned),
            ("at(4)", aligned),
            ("at(4294967295)", aligned),
        ],
    );
}

#[test]
fn a_text_that_is_none_traps() {
    let garbled = "utf-8";
    each_ends(
        &open(RESULTS),
        ErrorKind::Trapped,
        &[
            ("spelled(255, 1)", garbled),
            // The first half of a character; one in more bytes than it takes; a surrogate; beyond the last character.
            ("spelled(195, 1)", garbled),
            ("spelled(32960, 2)", garbled),
            ("spelled(8429805, 3)", garbled),
            ("spelled(2424148980, 4)", garbled),
        ],
    );
    assert_eq!(text(&open(RESULTS), "spelled(43459, 2)"), "\"é\"");
}

#[test]
fn a_value_that_its_type_does_not_have_traps() {
    each_ends(
        &open(RESULTS),
        ErrorKind::Trapped,
        &[
            ("char(55296)", "char"),
            ("char(57343)", "char"),
            ("char(1114112)", "char"),
            ("char(4294967295)", "char"),
            ("to-colour(3)", "discriminant"),
            ("to-colour(4294967295)", "discriminant"),
            ("to-shape(4)", "discriminant"),
            ("to-shape(255)", "discriminant"),
            ("option(2)", "discriminant"),
            ("result(2)", "discriminant"),
        ],
    );
}

#[test]
fn what_is_beyond_the_width_of_a_value_is_cut() {
    each_gives(
        &open(RESULTS),
        &[
            ("char(1114111)", r"'\u{10ffff}'"),
            ("bool(4294967295)", "true"),
            ("byte(511)", "255"),
            ("to-shown(0)", "{}"),
            ("to-shown(3)", "{a, b}"),
            ("to-colour(2)", "blue"),
            ("to-shape(0)", "%none"),
            ("option(256)", "none"),
        ],
    );
}

#[test]
fn lists_that_take_more_memory_than_a_result_may_are_not_copied() {
    let large = "too much in one call";
    each_ends(
        &open(RESULTS),
        ErrorKind::ResultTooLarge,
        &[
            ("text(0, 65536000)", large),
            ("wide(0, 32768000)", large),
            ("bytes(0, 65536000)", large),
            ("longs(0, 8192000)", large),
            ("texts(0, 8192000)", large),
            ("units(64, 65535936)", large),
            ("points(0, 21000000)", large),
            ("colours(64, 65535936)", large),
            ("shown-ones(255, 16000000)", large),
            // Few bytes that mean many: each of a thousand texts is the same ten megabytes, and each of a thousand lists
            // is that of the thousand lists.
            ("mirrored-texts(1000, 100000, 10000000)", large),
            ("mirrored-lists(1000, 64, 1000)", large),
        ],
    );
}

#[test]
fn arguments_for_which_the_allocator_gives_no_good_place_trap() {
    let beyond = "beyond end of memory";
    each_ends(
        &open(REALLOC),
        ErrorKind::Trapped,
        &[
            (r#"end("text")"#, beyond),
            (r#"beyond("text")"#, beyond),
            (r#"last("text")"#, beyond),
            (r#"last-wide("text")"#, "not aligned"),
            ("odd([1])", "not aligned"),
            (r#"odd-wide("text")"#, "not aligned"),
            (r#"traps("text")"#, "unreachable"),
            (r#"divides("text")"#, "divide by zero"),
            (r#"leaves("text")"#, "cannot leave component"),
            (r#"indirect("text")"#, "uninitialized"),
        ],
    );
    // To write over its own memory is its own affair, and nothing at all may begin at the very end.
    assert_eq!(text(&open(REALLOC), r#"null("text")"#), "nothing");
    assert_eq!(text(&open(REALLOC), r#"end("")"#), "nothing");
}

#[test]
fn an_allocator_meets_the_limits_of_the_call() {
    let call = "(\"text\")";
    each_ends(&open_with(REALLOC, short), ErrorKind::Timeout, &[(&format!("loops{call}"), "20ms")]);
    each_ends(&open(REALLOC), ErrorKind::StackLimit, &[(&format!("recurses{call}"), "stack")]);
    each_ends(&open(REALLOC), ErrorKind::MemoryLimit, &[(r#"grows(["a", "b"])"#, "memory")]);
}

#[test]
fn what_runs_after_the_result_was_read_meets_the_limits_of_the_call() {
    let component = open(POST_RETURN);
    each_ends(
        &component,
        ErrorKind::Trapped,
        &[("traps()", "unreachable"), ("divides()", "divide by zero"), ("leaves()", "cannot leave component")],
    );
    each_ends(&component, ErrorKind::StackLimit, &[("recurses()", "stack")]);
    each_ends(&component, ErrorKind::MemoryLimit, &[("grows()", "memory")]);
    each_ends(&open_with(POST_RETURN, short), ErrorKind::Timeout, &[("loops()", "20ms")]);
}

#[test]
fn code_that_does_what_it_must_not_traps() {
    let (beyond, table) = ("out of bounds memory access", "out of bounds table access");
    each_ends(
        &open(CODE),
        ErrorKind::Trapped,
        &[
            ("indirect-null()", "uninitialized element"),
            ("indirect-beyond()", "undefined element"),
            ("indirect-of-another-type()", "indirect call type mismatch"),
            ("not-a-number()", "invalid conversion to integer"),
            ("too-large-a-number()", "integer overflow"),
            ("least-by-minus-one()", "integer overflow"),
            ("remainder()", "divide by zero"),
            ("load-beyond()", beyond),
            ("store-across-the-end()", beyond),
            ("fill-beyond()", beyond),
            ("copy-beyond()", beyond),
            ("copy-between()", beyond),
            ("init-beyond()", beyond),
            ("init-dropped()", beyond),
            ("table-beyond()", table),
            ("table-init-beyond()", table),
            ("table-fill-beyond()", table),
        ],
    );
}

#[test]
fn recursion_of_every_kind_ends_at_the_stack_limit() {
    each_ends(
        &open(CODE),
        ErrorKind::StackLimit,
        &[("recurse-indirectly()", "stack"), ("recurse-with-much()", "stack")],
    );
}

#[test]
fn code_without_end_ends_at_the_time_limit() {
    let calls = [
        "loop-in-a-loop()",
        "loop-over-calls()",
        "tail-call-itself()",
        "tail-call-around()",
        "tail-call-indirectly()",
        "call-for-ages()",
        "table-of-branches()",
        "copy-for-ever()",
        "fill-for-ever()",
        "table-fill-for-ever()",
        "ask-for-memory-for-ever()",
        "ask-for-no-memory-for-ever()",
    ];
    each_ends(&open_with(CODE, short), ErrorKind::Timeout, &calls.map(|call| (call, "20ms")));
}

#[test]
fn memories_and_tables_that_grow_without_end_stop_at_the_limit() {
    let component = open_with(CODE, |limits| limits.memory = 4 << 20);
    each_ends(
        &component,
        ErrorKind::MemoryLimit,
        &[("fill-memory()", "4194304 bytes of memory"), ("fill-both-memories()", "4194304 bytes of memory")],
    );
    assert_eq!(text(&component, "fill-tables()"), "nothing");
    let elements: usize = text(&component, "size-of-tables()").parse().unwrap();
    assert!((1000..=(4 << 20) / size_of::<usize>()).contains(&elements), "{elements}");
}

#[test]
fn handles_that_are_none_trap() {
    let (none, other) = ("unknown handle index", "handle index");
    each_ends(
        &open(RESOURCES),
        ErrorKind::Trapped,
        &[
            ("drop(0)", none),
            ("drop(1)", none),
            ("drop(4294967295)", none),
            ("example:hostile/this#look(12345)", none),
            ("read-other(5)", none),
            ("drop-twice()", none),
            ("look-after-drop()", none),
            ("drop-another-type()", other),
            ("read-another-type()", other),
            ("keep-a-borrow()", "borrow handles still remain"),
            ("make-many()", "more than 1024 resources"),
        ],
    );
}

/// Calls a function that gives a resource.
fn given(component: &Called, function: &'static str, number: u32) -> Result<Arc<Held>, Error> {
    let given = component.try_call(move |instance, running| {
        let thing = instance.enter(running, |store, exports| {
            let this = exports.get_export_index(&mut *store, None, "example:hostile/this");
            let index = exports.get_export_index(&mut *store, this.as_ref(), function).unwrap();
            let give = exports.get_typed_func::<(u32,), (ResourceAny,)>(&mut *store, &index)?;
            Ok(give.call(store, (number,))?.0)
        })?;
        Ok::<_, Error>(Arc::new(instance.hold(thing)))
    });
    given.blocking()
}

#[test]
fn a_resource_that_is_none_is_not_given_out() {
    let component = open(RESOURCES);
    for handle in [0, 1, 77, u32::MAX] {
        let error = given(&component, "give", handle).unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Trapped, false), "{error}");
        assert_says(&error.to_string(), &["unknown handle index"]);
        assert_eq!(text(&component, "fine()"), "7");
    }
}

#[test]
fn a_destructor_meets_the_limits_of_the_call_that_drops() {
    let ends =
        [(1, ErrorKind::Trapped), (2, ErrorKind::Timeout), (3, ErrorKind::MemoryLimit), (4, ErrorKind::StackLimit)];
    for (number, expected) in ends {
        let component = open_with(RESOURCES, short);
        let call = format!("make-and-drop({number})");
        each_ends(&component, expected, &[(&call, "replaced")]);
        // The host's letting go is a call as well.
        let thing = given(&component, "make", number).unwrap();
        let error = component.try_call(move |instance, _| instance.release(&thing)).blocking().unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (expected, false), "{error}");
        assert_eq!(text(&component, "fine()"), "7");
    }
    each_ends(&open_with(RESOURCES, short), ErrorKind::Timeout, &[("make-and-drop-for-ever()", "20ms")]);
}

#[test]
fn letting_go_of_what_is_gone_is_an_error_and_no_more() {
    let component = open(RESOURCES);
    let thing = given(&component, "make", 0).unwrap();
    let release = |thing: &Arc<Held>| {
        let thing = Arc::clone(thing);
        component.try_call(move |instance, _| instance.release(&thing)).blocking()
    };
    release(&thing).unwrap();
    let error = release(&thing).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trapped, "{error}");
    assert_eq!(text(&component, "fine()"), "7");
    release(&thing).unwrap();
}

/// Start functions, and what opening them ends with.
#[test]
fn start_functions_meet_the_limits_of_a_call() {
    let grow = "(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))";
    for (body, expected) in [
        ("(loop $l (br $l))".to_owned(), ErrorKind::Timeout),
        ("(call $start) (call $start)".to_owned(), ErrorKind::StackLimit),
        ("(return_call $start)".to_owned(), ErrorKind::Timeout),
        (format!("{grow} unreachable"), ErrorKind::MemoryLimit),
        (format!("{grow} (loop $l (br $l))"), ErrorKind::Timeout),
        ("(drop (i32.div_u (i32.const 1) (i32.const 0)))".to_owned(), ErrorKind::Trapped),
        (
            "(drop (table.grow (ref.null func) (i32.const -1))) (call_indirect (i32.const 0))".to_owned(),
            ErrorKind::Trapped,
        ),
        ("(drop (i32.load (i32.const -1)))".to_owned(), ErrorKind::Trapped),
    ] {
        let module = format!("(core module $m (memory 1) (table 1 funcref) (func $start {body}) (start $start))");
        let instance = "(core instance (instantiate $m))";
        let fine = "(core module $fine) (core instance (instantiate $fine))";
        for component in [
            format!("(component {module} {instance})"),
            format!("(component {fine} {module} {instance})"),
            format!("(component (component $inner {module} {instance}) {fine} (instance (instantiate $inner)))"),
        ] {
            let mut limits = Limits::default();
            short(&mut limits);
            let error = ENGINE.open(program(&component), limits).blocking().unwrap_err();
            assert_eq!(error.kind(), expected, "{component}: {error}");
        }
    }
}

#[test]
fn segments_that_do_not_fit_are_an_error_of_opening() {
    for segment in [
        r#"(memory 1) (data (i32.const 65535) "ab")"#,
        r#"(memory 0) (data (i32.const -1) "a")"#,
        "(table 1 funcref) (func $f) (elem (i32.const 1) func $f)",
        "(table 0 funcref) (func $f) (elem (i32.const -1) func $f)",
    ] {
        let component = format!("(component (core module $m {segment}) (core instance (instantiate $m)))");
        let error = ENGINE.open(program(&component), Limits::default()).blocking().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Trapped, "{segment}: {error}");
    }
}

#[test]
fn a_fresh_instance_that_cannot_be_made_is_the_error_of_that_call() {
    // It starts well only where a number of its memory is still zero, and memory is fresh each time.
    let once = r#"(component
        (core module $m
            (memory 1)
            (func (export "fine") (result i32) (i32.const 7))
            (func (export "trap") unreachable)
            (func $start (drop (memory.grow (i32.const 63))))
            (start $start))
        (core instance $i (instantiate $m))
        (func (export "fine") (result u32) (canon lift (core func $i "fine")))
        (func (export "trap") (canon lift (core func $i "trap"))))"#;
    let component = open_with(once, |limits| limits.memory = 64 << 16);
    for _ in 0..10 {
        each_ends(&component, ErrorKind::Trapped, &[("trap()", "unreachable")]);
    }
}
