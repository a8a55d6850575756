//! Objects of the host in scripts, with a fake host that has two classes.

use std::collections::BTreeMap;

use aiointernal_guest::{
    Answer, Engine, Failure, HostClass, HostError, HostFunction, HostMember, MemberKind, Outcome, ResultForm,
    SourceKind,
};
use minicbor::{Encoder, data::Tag};

use super::{FakeHost, World, engine, eval, evaluate, fetch, render, set, source};

/// What the fake host knows of its objects.
#[derive(Default)]
pub(super) struct Objects {
    /// How often each was adopted and not released.
    held: BTreeMap<u64, usize>,
    /// The classes that were described.
    described: Vec<u32>,
    /// The members that were called: of which object, which, and the arguments.
    invoked: Vec<(u64, u32, String)>,
    /// How many there may be.
    most: Option<usize>,
}

impl Objects {
    pub(super) fn release(&mut self, objects: &[u64]) {
        for object in objects {
            let held = self.held.get_mut(object).expect("only what was adopted is released");
            *held -= 1;
        }
        self.held.retain(|_, held| *held > 0);
    }
}

/// Even numbers are carts, odd ones are dogs.
pub(super) fn adopt(world: &World, object: u64) -> Result<u32, HostError> {
    let mut objects = world.objects.borrow_mut();
    if objects.most.is_some_and(|most| objects.held.len() >= most) {
        return Err(HostError { id: Some(5), name: "RangeError".into(), message: "too many".into() });
    }
    *objects.held.entry(object).or_default() += 1;
    Ok(if object >= fetch::BODIES { fetch::class().0 } else { (object % 2) as u32 })
}

pub(super) fn describe(world: &World, class: u32) -> HostClass {
    world.objects.borrow_mut().described.push(class);
    let member = |name: &str, kind| HostMember { name: name.into(), kind };
    if class == fetch::class().0 {
        return fetch::class().1;
    }
    if class == 1 {
        return HostClass { name: "Dog".into(), members: vec![member("bark", MemberKind::Method)] };
    }
    let members = vec![
        member("add", MemberKind::Method),
        member("ship", MemberKind::AsyncMethod),
        member("total", MemberKind::Getter),
        member("total", MemberKind::Setter),
        member("id", MemberKind::Getter),
        member("self", MemberKind::Getter),
        member("é", MemberKind::Method),
    ];
    HostClass { name: "Cart".into(), members }
}

pub(super) fn invoke(world: &World, object: u64, member: u32, arguments: &[u8]) -> Answer {
    if object >= fetch::BODIES {
        return fetch::invoke(world, object, member);
    }
    world.objects.borrow_mut().invoked.push((object, member, render(arguments)));
    match member {
        1 => Answer::Pending(99),
        4 => Answer::Done(minicbor::to_vec(object).expect("a number")),
        5 => Answer::Done(number(object)),
        _ => Answer::Done(arguments.to_vec()),
    }
}

/// The number of a function that gives the object of the number that is its argument.
pub(super) const MAKE: u32 = 77;

/// What that function answers.
pub(super) fn made(arguments: &[u8]) -> Answer {
    let mut list = minicbor::Decoder::new(arguments);
    list.array().expect("arguments are a list");
    Answer::Done(number(list.u64().expect("a number")))
}

/// An object of the host as a value.
fn number(object: u64) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    encoder.tag(Tag::new(27)).unwrap().array(2).unwrap().str("HostObject").unwrap().u64(object).unwrap();
    encoder.into_writer()
}

/// An engine with the globals `cart` and `dog`.
fn shop() -> (&'static Engine<FakeHost>, std::rc::Rc<World>) {
    let (engine, world) = engine();
    set(engine, "cart", &number(4)).expect("it is a value");
    set(engine, "dog", &number(7)).expect("it is a value");
    (engine, world)
}

pub(super) fn held(world: &World) -> Vec<u64> {
    world.objects.borrow().held.keys().copied().collect()
}

fn thrown(result: Result<String, Failure>) -> String {
    match result {
        Err(Failure::Thrown(exception)) => format!("{}: {}", exception.name, exception.message),
        other => panic!("it throws: {other:?}"),
    }
}

#[test]
fn members_of_an_object_are_called_with_what_the_script_gives() {
    let (engine, world) = shop();
    assert_eq!(eval(engine, "cart.add(1, 'a')"), Ok("[1, \"a\"]".into()));
    assert_eq!(eval(engine, "cart.id"), Ok("4".into()));
    assert_eq!(eval(engine, "cart.total = 5, cart.total"), Ok("[]".into()));
    assert_eq!(eval(engine, "dog.bark()"), Ok("[]".into()));
    let invoked = &world.objects.borrow().invoked;
    let invoked: Vec<_> =
        invoked.iter().map(|(object, member, arguments)| (*object, *member, &arguments[..])).collect();
    assert_eq!(invoked, [(4, 0, "[1, \"a\"]"), (4, 4, "[]"), (4, 3, "[5]"), (4, 2, "[]"), (7, 0, "[]")]);
}

#[test]
fn an_async_method_is_a_promise_that_the_host_settles() {
    let (engine, _) = shop();
    let text = source("await cart.ship('home')", SourceKind::Script);
    assert_eq!(engine.evaluate(7, &text, ResultForm::Value), Ok(Outcome::Pending));
    engine.settle(99, Ok(&[0x05])).unwrap();
    assert_eq!(engine.ended(), (vec![7], false));
    assert_eq!(engine.take_result(7).unwrap(), Ok(vec![0x05]));
}

#[test]
fn one_object_of_the_host_is_one_object_in_scripts() {
    let (engine, world) = shop();
    set(engine, "again", &number(4)).expect("it is a value");
    assert_eq!(eval(engine, "cart === again && cart.self === cart && cart !== dog"), Ok("true".into()));
    assert_eq!(held(&world), [4, 7]);
    assert_eq!(world.objects.borrow().described, [0, 1]);
    set(engine, "other", &number(6)).expect("it is a value");
    assert_eq!(eval(engine, "other !== cart && other.add === cart.add"), Ok("true".into()));
    assert_eq!(world.objects.borrow().described, [0, 1]);
}

#[test]
fn an_object_crosses_back_as_what_it_is_wherever_it_stands() {
    let (engine, _) = shop();
    let result = evaluate(engine, &source("cart", SourceKind::Script), ResultForm::Value);
    assert_eq!(result, Ok(number(4)));
    let result = evaluate(engine, &source("[cart, cart]", SourceKind::Script), ResultForm::Value);
    assert_eq!(result, Ok([vec![0x82], number(4), number(4)].concat()));
    let function = HostFunction { name: "same".into(), number: 0, is_async: false };
    engine.define_functions(&[function]).expect("the name is free");
    assert_eq!(eval(engine, "same(cart)[0] === cart"), Ok("true".into()));
}

#[test]
fn an_object_looks_like_one_of_a_class() {
    let (engine, _) = shop();
    for (text, result) in [
        ("String(cart)", "\"[object Cart]\""),
        ("cart.constructor.name", "\"Cart\""),
        ("cart instanceof cart.constructor", "true"),
        ("Object.keys(cart).length", "0"),
        ("cart.add.name", "\"add\""),
        ("cart.own = 1, cart.own", "1"),
    ] {
        assert_eq!(eval(engine, text).as_deref(), Ok(result), "{text}");
    }
    let printed = evaluate(engine, &source("dog", SourceKind::Script), ResultForm::Text).unwrap();
    assert_eq!(render(&printed), "\"Dog {}\"");
    assert_eq!(thrown(eval(engine, "new cart.constructor()")), "TypeError: a Cart is made by the host only");
}

#[test]
fn a_member_is_of_use_on_an_object_of_its_class_only() {
    let (engine, world) = shop();
    for this in ["{}", "undefined", "1", "dog", "Object.create(cart)", "new Proxy(cart, {})"] {
        let called = eval(engine, &format!("cart.add.call({this}, 1)"));
        assert_eq!(thrown(called), "TypeError: Cart.add: this is no Cart", "{this}");
    }
    assert_eq!(thrown(eval(engine, "cart.__proto__.id")), "TypeError: Cart.id: this is no Cart");
    assert!(world.objects.borrow().invoked.is_empty());
}

#[test]
fn the_host_hears_when_no_script_holds_an_object() {
    let (engine, world) = shop();
    assert_eq!(eval(engine, "dog = undefined, 1"), Ok("1".into()));
    assert_eq!(held(&world), [4]);
    // It may come again, as another object.
    set(engine, "dog", &number(7)).expect("it is a value");
    assert_eq!(held(&world), [4, 7]);
    assert_eq!(eval(engine, "dog.bark()"), Ok("[]".into()));
    // Also where it went and came within one call.
    assert_eq!(eval(engine, "(() => { const it = cart; cart = 0; it.self })(), dog = 1"), Ok("1".into()));
    assert_eq!(held(&world), []);
}

#[test]
fn an_object_that_only_cycles_hold_is_released_by_the_collector() {
    let (engine, world) = shop();
    eval(engine, "cart.own = { cart }, cart = 0").expect("the script is right");
    assert_eq!(held(&world), [4, 7]);
    eval(engine, "for (let i = 0; i < 1e5; i++) { const o = {}; o.o = o }").expect("the script is right");
    assert_eq!(held(&world), [7]);
}

#[test]
fn an_object_that_a_script_may_not_have_is_an_error() {
    let (engine, world) = shop();
    world.objects.borrow_mut().most = Some(2);
    let refused = set(engine, "third", &number(9));
    assert!(matches!(&refused, Err(Failure::Thrown(exception)) if exception.message == "too many"), "{refused:?}");
    assert_eq!(held(&world), [4, 7]);
    assert_eq!(eval(engine, "cart.self === cart"), Ok("true".into()));
}

#[test]
fn objects_that_were_freed_make_room_for_others_within_a_call() {
    let (engine, world) = engine();
    world.objects.borrow_mut().most = Some(300);
    let function = HostFunction { name: "make".into(), number: MAKE, is_async: false };
    engine.define_functions(&[function]).expect("the name is free");
    assert_eq!(eval(engine, "for (let i = 0; i < 2000; i++) make(i); 1"), Ok("1".into()));
    assert_eq!(held(&world), []);
}

#[test]
fn an_object_stays_one_whatever_happens_when_another_share_of_it_is_freed() {
    let (engine, world) = shop();
    let text = "let k; for (let i = 0; i < 200; i++) { k = 0; cart = dog; k = make(4) } globalThis.k = k; for (;;);";
    let function = HostFunction { name: "make".into(), number: MAKE, is_async: false };
    engine.define_functions(&[function]).expect("the name is free");
    world.stop_at.set(Some(world.polls.get() + 5));
    let stopped = eval(engine, text);
    assert!(matches!(stopped, Err(Failure::Interrupted { .. })), "{stopped:?}");
    world.stop_at.set(None);
    assert_eq!(eval(engine, "make(4) === k"), Ok("true".into()));
    assert_eq!(held(&world), [4, 7]);
}

#[test]
fn a_member_of_any_name_is_where_its_name_says() {
    let (engine, _) = engine();
    eval(engine, "var named = { 'Ã©': 1 }").expect("the script is right");
    set(engine, "cart", &number(4)).expect("it is a value");
    assert_eq!(eval(engine, "[typeof cart['\\u00e9'], typeof cart['Ã©']]"), Ok("[\"function\", \"undefined\"]".into()));
    assert_eq!(eval(engine, "cart['\\u00e9'](1)"), Ok("[1]".into()));
}

#[test]
fn without_memory_for_an_object_the_host_is_left_with_none() {
    let (engine, world) = engine();
    set(engine, "dog", &number(7)).expect("it is a value");
    let mut failed = 0;
    for more in 0..200 {
        let free = engine.memory_usage().allocated as u32 + 40 * more;
        engine.configure(super::Settings { memory_bytes: free, ..super::SETTINGS });
        failed += u32::from(set(engine, "cart", &number(4)).is_err());
        engine.configure(super::SETTINGS);
        eval(engine, "globalThis.cart = 0").expect("there is memory");
        assert_eq!(held(&world), [7], "{more}");
    }
    assert!((1..200).contains(&failed), "{failed}");
}

#[test]
fn what_is_printed_or_thrown_holds_no_object_of_the_host() {
    let (engine, world) = shop();
    engine.configure(super::Settings { console_arguments: true, ..super::SETTINGS });
    eval(engine, "console.log(dog, [dog])").expect("the script is right");
    assert_eq!(
        world.arguments.borrow().concat().iter().map(|it| render(it)).collect::<Vec<_>>(),
        ["\"Dog {}\"", "\"[ Dog {} ]\""]
    );
    let Err(Failure::Thrown(exception)) = eval(engine, "throw cart") else { panic!("it throws") };
    assert_eq!(exception.thrown, None);
}
