//! `fetch` with a fake host, which answers a request by what its URL ends with.

use std::rc::Rc;

use aiointernal_guest::{
    Answer, Engine, HostClass, HostError, HostFunction, HostMember, MemberKind, Outcome, ResultForm, SourceKind,
};
use minicbor::{Encoder, data::Tag};

use super::{FakeHost, World, engine, eval, render, source};

/// The numbers of the two functions.
pub(super) const START: u32 = 200;
pub(super) const ABORT: u32 = 201;

/// The class of bodies, and their numbers: the last digits are how many chunks are left to be read at first.
const CLASS: u32 = 200;
pub(super) const BODIES: u64 = 1_000_000;

/// A member of a body is called with this number where it answers later.
const LATER: u64 = 777;

/// What the fake host is asked.
#[derive(Default)]
pub(super) struct Network {
    log: Vec<String>,
    read: u64,
}

pub(super) fn answer(world: &World, function: u32, arguments: &[u8]) -> Answer {
    let mut network = world.network.borrow_mut();
    let asked = render(arguments);
    if function == ABORT {
        network.log.push(format!("abort {asked}"));
        return Answer::Done(vec![0xf7]);
    }
    let answer = if asked.contains("/refused") {
        let message = "fetch: the host example.com is not granted";
        Answer::Failed(HostError { id: None, name: "TypeError".into(), message: message.into() })
    } else if asked.contains("/odd") {
        Answer::Failed(HostError { id: None, name: "AbortError".into(), message: "given up".into() })
    } else if asked.contains("/later") {
        Answer::Pending(LATER)
    } else if asked.contains("/nothing") {
        Answer::Done(response(204, None))
    } else if asked.contains("/hangs") {
        Answer::Done(response(200, Some(BODIES + 99)))
    } else {
        Answer::Done(response(200, Some(BODIES + 2)))
    };
    network.log.push(asked);
    answer
}

pub(super) fn response(status: u16, body: Option<u64>) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    let text = |encoder: &mut Encoder<Vec<u8>>, name: &str, text: &str| {
        encoder.str(name).unwrap().str(text).unwrap();
    };
    encoder.map(6).unwrap().str("status").unwrap().u16(status).unwrap();
    text(&mut encoder, "statusText", "Fine");
    text(&mut encoder, "url", "http://host/final");
    encoder.str("redirected").unwrap().bool(true).unwrap();
    encoder.str("headers").unwrap().array(2).unwrap();
    for (name, value) in [("Content-Type", "text/plain"), ("X-A", "b")] {
        encoder.array(2).unwrap().str(name).unwrap().str(value).unwrap();
    }
    encoder.str("body").unwrap();
    match body {
        None => encoder.null().unwrap(),
        Some(body) => {
            encoder.tag(Tag::new(27)).unwrap().array(2).unwrap().str("HostObject").unwrap().u64(body).unwrap()
        }
    };
    encoder.into_writer()
}

pub(super) fn class() -> (u32, HostClass) {
    let member = |name: &str, kind| HostMember { name: name.into(), kind };
    let members = vec![member("read", MemberKind::AsyncMethod), member("close", MemberKind::Method)];
    (CLASS, HostClass { name: "Body".into(), members })
}

pub(super) fn invoke(world: &World, body: u64, member: u32) -> Answer {
    let mut network = world.network.borrow_mut();
    if member == 1 {
        network.log.push("close".into());
        return Answer::Done(vec![0xf7]);
    }
    network.read += 1;
    let (read, chunks) = (network.read, body - BODIES);
    network.log.push(format!("read {read}"));
    if chunks == 99 {
        return Answer::Pending(LATER);
    }
    if read > chunks {
        return Answer::Done(vec![0xf6]);
    }
    let mut chunk = Encoder::new(Vec::new());
    chunk.bytes(format!("{read};").as_bytes()).unwrap();
    Answer::Done(chunk.into_writer())
}

fn granted() -> (&'static Engine<FakeHost>, Rc<World>) {
    let (engine, world) = engine();
    let named = |name: &str, number, is_async| HostFunction { name: name.into(), number, is_async };
    let functions = [named(":fetch", START, true), named(":fetch.abort", ABORT, false)];
    engine.define_functions(&functions).expect("the names are free");
    (engine, world)
}

fn log(world: &World) -> Vec<String> {
    std::mem::take(&mut world.network.borrow_mut().log)
}

/// Begins an evaluation that waits for the host.
fn begin(engine: &Engine<FakeHost>, text: &str) {
    assert_eq!(engine.evaluate(7, &source(text, SourceKind::Script), ResultForm::Value), Ok(Outcome::Pending));
}

fn result(engine: &Engine<FakeHost>) -> String {
    assert_eq!(engine.ended().0, [7]);
    render(&engine.take_result(7).expect("it has ended").expect("it was successful"))
}

#[test]
fn the_host_is_told_all_of_a_request() {
    let (engine, world) = granted();
    let text =
        "await fetch('HTTP://host/a b', { method: 'post', body: 'text', headers: { 'X-One': 1 }, redirect: 'error' });
        await fetch(new Request('http://host/'), { body: new Blob(['b']).stream(), method: 'PUT', duplex: 'half' });
        await fetch('http://host/'); 0";
    eval(engine, text).expect("the host answers");
    let asked = [
        "[{\"id\": 1, \"url\": \"http://host/a%20b\", \"method\": \"POST\", \"headers\": [[\"content-type\", \"text/plain;charset=UTF-8\"], \
         [\"x-one\", \"1\"]], \"body\": h'74657874', \"redirect\": \"error\"}]",
        "[{\"id\": 2, \"url\": \"http://host/\", \"method\": \"PUT\", \"headers\": [], \"body\": h'62', \"redirect\": \"follow\"}]",
        "[{\"id\": 3, \"url\": \"http://host/\", \"method\": \"GET\", \"headers\": [], \"body\": null, \"redirect\": \"follow\"}]",
    ];
    assert_eq!(log(&world), asked);
}

#[test]
fn a_response_is_what_the_host_says_and_its_body_is_read_as_it_is_wanted() {
    let (engine, world) = granted();
    let text = "globalThis.r = await fetch('http://host/');
        [r.status, r.statusText, r.ok, r.url, r.redirected, r.type, [...r.headers], r.bodyUsed, r instanceof Response]";
    let told = "[200, \"Fine\", true, \"http://host/final\", true, \"basic\", [[\"content-type\", \"text/plain\"], [\"x-a\", \"b\"]], false, true]";
    assert_eq!(eval(engine, text), Ok(told.into()));
    assert_eq!(log(&world).len(), 1, "nothing is read that nobody wants");
    assert_eq!(eval(engine, "await r.text()"), Ok("\"1;2;\"".into()));
    assert_eq!(log(&world), ["read 1", "read 2", "read 3"]);
    assert_eq!(
        eval(engine, "try { r.headers.set('a', 'b') } catch (error) { error.name }"),
        Ok("\"TypeError\"".into())
    );
    assert_eq!(eval(engine, "(await fetch('http://host/nothing')).body"), Ok("null".into()));
}

#[test]
fn a_body_that_is_cancelled_is_closed() {
    let (engine, world) = granted();
    let text = "const { body } = await fetch('http://host/'); const reader = body.getReader();
        const { value } = await reader.read(); await reader.cancel(); value.length";
    assert_eq!(eval(engine, text), Ok("2".into()));
    assert_eq!(log(&world)[1..], ["read 1", "close"]);
}

#[test]
fn what_the_host_refuses_is_a_type_error_with_its_words() {
    let (engine, _) = granted();
    let text = |path: &str| {
        format!(
            "try {{ await fetch('http://host/{path}') }} catch (error) {{ [error instanceof TypeError, error.message] }}"
        )
    };
    let refused = "[true, \"fetch: the host example.com is not granted\"]";
    assert_eq!(eval(engine, &text("refused")), Ok(refused.into()));
    assert_eq!(eval(engine, &text("odd")), Ok("[true, \"given up\"]".into()));
}

#[test]
fn a_request_is_aborted_before_it_is_answered() {
    let (engine, world) = granted();
    let text = "const controller = new AbortController();
        globalThis.abort = () => controller.abort('enough');
        await fetch('http://host/later', { signal: controller.signal }).catch((reason) => reason)";
    begin(engine, text);
    assert_eq!(eval(engine, "abort()"), Ok("undefined".into()));
    assert_eq!(result(engine), "\"enough\"");
    assert_eq!(log(&world)[1..], ["abort [1]"]);
    // An answer that comes all the same is closed.
    assert_eq!(engine.settle(LATER, Ok(&response(200, Some(BODIES + 2)))), Ok(()));
    assert_eq!(log(&world), ["close"]);
}

#[test]
fn a_body_is_aborted_while_it_is_read_and_not_once_it_has_ended() {
    let (engine, world) = granted();
    let text = "const controller = new AbortController();
        globalThis.abort = () => controller.abort('enough');
        const response = await fetch('http://host/hangs', { signal: controller.signal });
        await response.text().catch((reason) => reason)";
    begin(engine, text);
    assert_eq!(eval(engine, "abort()"), Ok("undefined".into()));
    assert_eq!(result(engine), "\"enough\"");
    assert_eq!(log(&world)[1..], ["read 1", "abort [1]"]);
    world.network.borrow_mut().read = 0;
    let text = "const after = new AbortController();
        const whole = await (await fetch('http://host/', { signal: after.signal })).text(); after.abort(); whole";
    assert_eq!(eval(engine, text), Ok("\"1;2;\"".into()));
    assert_eq!(log(&world)[1..], ["read 1", "read 2", "read 3"]);
}

#[test]
fn a_signal_that_is_aborted_already_asks_the_host_for_nothing() {
    let (engine, world) = granted();
    let text = "await fetch('http://host/', { signal: AbortSignal.abort('why') }).catch((reason) => reason)";
    assert_eq!(eval(engine, text), Ok("\"why\"".into()));
    assert_eq!(log(&world), [""; 0]);
}

#[test]
fn a_response_that_nobody_reads_is_given_back_though_its_signal_stays() {
    let (engine, world) = granted();
    let text = "globalThis.controller = new AbortController();
        const all = async () => { for (let index = 0; index < 50; index++) await fetch('http://host/', { signal: controller.signal }) };
        await all();
        0";
    eval(engine, text).expect("the host answers");
    // So many objects make the engine look for what nobody holds.
    let many = "for (let index = 0; index < 1e5; index++) { const own = {}; own.own = own }";
    eval(engine, many).expect("the script is right");
    assert_eq!(eval(engine, "0"), Ok("0".into()));
    assert_eq!(super::objects::held(&world), [0; 0]);
    log(&world);
    assert_eq!(eval(engine, "controller.abort()"), Ok("undefined".into()));
    assert_eq!(log(&world), [""; 0], "what is gone is not aborted");
}
