//! What stops a component, and what is there afterwards.

use super::*;

const SHORT: Duration = Duration::from_millis(30);

/// The call fails so, its state is gone, and the next call finds a fresh instance.
#[track_caller]
fn replaced_after(component: &Called, call: &str, expected: ErrorKind, parts: &[&str]) {
    assert_eq!(text(component, "count()"), "1");
    assert_eq!(text(component, "count()"), "2");
    let (kind, kept, message) = failure(component, call);
    assert_eq!((kind, kept), (expected, false), "{message}");
    assert_says(&message, parts);
    assert_says(&message, &["the instance was replaced by a fresh one"]);
    assert_eq!(text(component, "count()"), "1");
    let generation = component.call(|instance| (instance.is_live(), instance.generation())).blocking().unwrap();
    assert_eq!(generation, (true, 2));
}

#[test]
fn an_endless_loop_ends_at_the_time_limit() {
    let core = open_with(CORE, |limits| limits.wall_time = SHORT);
    replaced_after(&core, "spin()", ErrorKind::Timeout, &["longer than its 30ms"]);
}

#[test]
fn the_timeout_of_a_call_is_lower_than_the_limit_of_the_instance() {
    let core = open(CORE);
    let spin = core.try_call(|instance, running| instance.invoke(running, "spin()")).timeout(SHORT);
    let error = spin.blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn a_caller_that_gives_up_stops_its_call_and_no_other() {
    let core = open(CORE);
    let spinning = core.try_call(|instance, running| instance.invoke(running, "spin()")).queue();
    let next = core.try_call(|instance, running| instance.invoke(running, "add(1, 2)")).queue();
    spinning.abort();
    assert_eq!(spinning.blocking().unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(next.blocking().unwrap().text(), Some("3"));
}

#[test]
fn memory_beyond_the_limit_is_refused_and_the_instance_goes_on() {
    // One page is there from the start.
    let core = open_with(CORE, |limits| limits.memory = 4 << 16);
    assert_eq!(text(&core, "grow(3)"), "1");
    assert_eq!(text(&core, "grow(1)"), "-1");
    assert_eq!(text(&core, "grow(4294967295)"), "-1");
    assert_eq!(text(&core, "count()"), "1");
}

#[test]
fn a_trap_after_memory_was_refused_is_the_memory_limit() {
    let core = open_with(CORE, |limits| limits.memory = 4 << 16);
    replaced_after(&core, "grow-or-trap(4)", ErrorKind::MemoryLimit, &["262144 bytes of memory"]);
}

#[test]
fn recursion_ends_at_the_stack_limit() {
    replaced_after(&open(CORE), "recurse()", ErrorKind::StackLimit, &["stack"]);
}

#[test]
fn traps_name_their_cause() {
    for (call, cause) in [("trap()", "unreachable"), ("divide(1, 0)", "divide by zero"), ("beyond()", "out of bounds")]
    {
        replaced_after(&open(CORE), call, ErrorKind::Trapped, &[cause]);
    }
}

#[test]
fn limits_of_one_call_are_lower_than_those_of_the_instance() {
    let core = open(CORE);
    let grown = core.try_call(|instance, running| {
        let mut limits = Limits::default();
        limits.memory = 2 << 16;
        instance.enter_within(running, &limits, |store, exports| {
            let grow = exports.get_typed_func::<(u32,), (i32,)>(&mut *store, "grow")?;
            Ok((grow.call(&mut *store, (1,))?.0, grow.call(&mut *store, (1,))?.0))
        })
    });
    assert_eq!(grown.blocking().unwrap(), (1, -1));
    assert_eq!(text(&core, "grow(1)"), "2");
}

#[test]
fn all_memories_and_tables_of_an_instance_are_one_sum() {
    let two = r#"(component
        (core module $m (memory 3) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        (core module $t (table $t 1 funcref) (func (export "grow") (param i32) (result i32)
            (table.grow $t (ref.null func) (local.get 0))))
        (core instance $a (instantiate $m))
        (core instance $b (instantiate $m))
        (core instance $t (instantiate $t))
        (func (export "a") (param "pages" u32) (result s32) (canon lift (core func $a "grow")))
        (func (export "b") (param "pages" u32) (result s32) (canon lift (core func $b "grow")))
        (func (export "t") (param "elements" u32) (result s32) (canon lift (core func $t "grow"))))"#;
    let two = open_with(two, |limits| limits.memory = (9 << 16) + 8);
    assert_eq!(text(&two, "a(2)"), "3");
    assert_eq!(text(&two, "b(2)"), "-1");
    assert_eq!(text(&two, "b(1)"), "3");
    assert_eq!(text(&two, "t(1)"), "-1");
}

#[test]
fn failing_to_grow_gives_no_memory_back() {
    // The memory's own maximum is three pages: growing beyond it fails without asking for leave.
    let bounded = r#"(component
        (core module $m (memory 1 3) (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))
        (core instance $a (instantiate $m))
        (core instance $b (instantiate $m))
        (func (export "a") (param "pages" u32) (result s32) (canon lift (core func $a "grow")))
        (func (export "b") (param "pages" u32) (result s32) (canon lift (core func $b "grow"))))"#;
    let bounded = open_with(bounded, |limits| limits.memory = 4 << 16);
    assert_eq!(text(&bounded, "a(2)"), "1");
    for _ in 0..3 {
        assert_eq!(text(&bounded, "a(1)"), "-1");
    }
    assert_eq!(text(&bounded, "b(1)"), "-1");
}

#[test]
fn an_endless_start_function_ends_at_the_time_limit() {
    let start = "(component (core module $m (func $f (loop $l (br $l))) (start $f)) (core instance (instantiate $m)))";
    let mut limits = Limits::default();
    limits.wall_time = SHORT;
    let error = ENGINE.open(program(start), limits).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn a_start_function_that_traps_is_an_error_of_opening() {
    let start = "(component (core module $m (func $f unreachable) (start $f)) (core instance (instantiate $m)))";
    let error = ENGINE.open(program(start), Limits::default()).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Trapped);
    assert_says(&error.to_string(), &["unreachable"]);
}

#[test]
fn a_component_that_starts_with_more_memory_than_the_limit_is_an_error_of_opening() {
    let mut limits = Limits::default();
    limits.memory = 100 << 16;
    let error = ENGINE.open(program(VALUES), limits).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryLimit);
    assert_says(&error.to_string(), &["6553600 bytes"]);
}

#[test]
fn resources_have_a_limit() {
    let hoarder = r#"(component
        (type $r (resource (rep i32)))
        (core func $new (canon resource.new $r))
        (core module $m
            (import "" "new" (func $new (param i32) (result i32)))
            (func (export "hoard") (loop $l (drop (call $new (i32.const 1))) (br $l))))
        (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
        (func (export "hoard") (canon lift (core func $i "hoard"))))"#;
    let (kind, kept, message) = failure(&open(hoarder), "hoard()");
    assert_eq!((kind, kept), (ErrorKind::Trapped, false));
    assert_says(&message, &["more than 1024 resources"]);
}

#[test]
fn there_is_room_for_as_many_instances_as_the_engine_has() {
    let engine = engine(|config| config.instances = 1);
    let program = Dynamic::new(&engine, &wasm(CORE)).unwrap();
    let first = engine.open(program.clone(), Limits::default()).blocking().unwrap();
    let error = engine.open(program.clone(), Limits::default()).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Engine);
    assert_says(&error.to_string(), &["no room for one more instance", "`Config::instances` is 1"]);
    // A trap makes room for the one that replaces it.
    assert_eq!(failure(&first, "trap()").0, ErrorKind::Trapped);
    assert_eq!(text(&first, "count()"), "1");
    first.close().blocking().unwrap();
    engine.open(program, Limits::default()).blocking().unwrap();
}

#[test]
fn the_stack_is_that_of_the_engine() {
    let depth = |stack| {
        let engine = engine(|config| config.stack = stack);
        let counted = r#"(component
            (core module $m (func $deep (export "recurse") (param i32) (result i32)
                (if (result i32) (local.get 0)
                    (then (i32.add (call $deep (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
                    (else (i32.const 0)))))
            (core instance $i (instantiate $m))
            (func (export "recurse") (param "depth" u32) (result u32) (canon lift (core func $i "recurse"))))"#;
        let program = Dynamic::new(&engine, &wasm(counted)).unwrap();
        let open = engine.open(program, Limits::default()).blocking().unwrap();
        invoke(&open, "recurse(100000)").map_err(|error| error.kind())
    };
    assert_eq!(depth(256 << 10).unwrap_err(), ErrorKind::StackLimit);
    assert_eq!(depth(32 << 20).unwrap().text(), Some("100000"));
}

#[test]
fn an_instance_is_made_only_where_the_stack_is_known() {
    let error = Instance::new(&ENGINE, program(CORE), Limits::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert_says(&error.to_string(), &["Engine::builder"]);
    let program = program(CORE);
    let opened = HeapThread::spawn(move || Instance::new(&ENGINE, program, Limits::default())).blocking();
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::InvalidArgument);
}

#[test]
fn an_instance_that_cannot_be_made_says_so_and_not_that_one_was_replaced() {
    let mut limits = Limits::default();
    limits.memory = 0;
    let program = Dynamic::new(&ENGINE, &wasm(CORE)).unwrap();
    let error = ENGINE.open(program, limits).blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MemoryLimit);
    assert_says(&error.to_string(), &["0 bytes of memory", "could not be made"]);
}

#[test]
fn a_trap_after_memory_was_refused_says_what_it_was() {
    let core = open_with(CORE, |limits| limits.memory = 4 << 16);
    let (kind, _, message) = failure(&core, "grow-then-divide(100)");
    assert_eq!(kind, ErrorKind::Trapped, "{message}");
    assert_says(&message, &["divide by zero"]);
}
