//! Resources that are kept from one call to the next.

use aiointernal::component::{Held, wasmtime::component::ResourceAny};

use super::*;

/// A component that gives out counters.
const COUNTERS: &str = r#"(component
    (type $counter' (resource (rep i32)))
    (core func $new (canon resource.new $counter'))
    (core module $m
        (import "" "new" (func $new (param i32) (result i32)))
        (global $count (mut i32) (i32.const 0))
        (func (export "make") (result i32)
            (global.set $count (i32.add (global.get $count) (i32.const 1)))
            (call $new (global.get $count)))
        (func (export "read") (param i32) (result i32) (local.get 0))
        (func (export "trap") unreachable))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (export $counter "counter" (type $counter'))
    (func (export "make") (result (own $counter)) (canon lift (core func $i "make")))
    (func (export "read") (param "counter" (borrow $counter)) (result u32) (canon lift (core func $i "read")))
    (func (export "trap") (canon lift (core func $i "trap"))))"#;

fn make(component: &Called) -> Held {
    let made = component.try_call(|instance, running| {
        let counter = instance.enter(running, |store, exports| {
            let make = exports.get_typed_func::<(), (ResourceAny,)>(&mut *store, "make")?;
            Ok(make.call(store, ())?.0)
        })?;
        Ok::<_, Error>(instance.hold(counter))
    });
    made.blocking().unwrap()
}

fn read(component: &Called, counter: &Arc<Held>) -> Result<u32, Error> {
    let counter = Arc::clone(counter);
    let read = component.try_call(move |instance, running| {
        let counter = instance.held(&counter)?;
        instance.enter(running, |store, exports| {
            let read = exports.get_typed_func::<(ResourceAny,), (u32,)>(&mut *store, "read")?;
            Ok(read.call(store, (counter,))?.0)
        })
    });
    read.blocking()
}

#[test]
fn a_resource_is_used_in_later_calls_and_let_go() {
    let component = open(COUNTERS);
    let counters: Vec<_> = (0..3).map(|_| Arc::new(make(&component))).collect();
    assert_eq!(counters.iter().map(|counter| read(&component, counter).unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    let gone = Arc::clone(&counters[1]);
    component.try_call(move |instance, _| instance.release(&gone)).blocking().unwrap();
    assert_eq!(read(&component, &counters[2]).unwrap(), 3);
}

#[test]
fn more_resources_than_fit_are_made_when_each_is_let_go() {
    let component = open(COUNTERS);
    for _ in 0..2000 {
        let counter = make(&component);
        component.try_call(move |instance, _| instance.release(&counter)).blocking().unwrap();
    }
}

#[test]
fn a_resource_of_an_instance_that_is_gone_is_lost_and_harms_no_fresh_one() {
    let component = open(COUNTERS);
    let lost = Arc::new(make(&component));
    let (kind, kept, _) = failure(&component, "trap()");
    assert_eq!((kind, kept), (ErrorKind::Trapped, false));
    assert_eq!(read(&component, &lost).unwrap_err().kind(), ErrorKind::Lost);

    let fresh = Arc::new(make(&component));
    assert_eq!(read(&component, &lost).unwrap_err().kind(), ErrorKind::Lost);
    component.try_call(move |instance, _| instance.release(&lost)).blocking().unwrap();
    assert_eq!(read(&component, &fresh).unwrap(), 1);
}
