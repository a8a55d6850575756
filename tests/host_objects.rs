//! Objects of the host that scripts hold.

use std::{
    convert::Infallible,
    io,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use aiointernal::{
    Context, Error, ErrorKind, Limits, Value,
    js::{Console, Functions, Host, HostClass, HostObject, JsValue, Members, ScriptError, to_value, value},
};
use tokio::sync::{Semaphore, mpsc};

use crate::context::SANDBOX;

type Never<T> = Result<T, Infallible>;

/// What happens to a cart, as it says itself.
type Log = mpsc::UnboundedSender<&'static str>;

struct Cart {
    size: AtomicU32,
    owner: Mutex<String>,
    open: Semaphore,
    log: Option<Log>,
}

impl Cart {
    fn new(size: u32) -> Cart {
        Cart { size: size.into(), owner: Mutex::default(), open: Semaphore::new(0), log: None }
    }

    fn logging(log: &Log) -> Host<Cart> {
        let mut cart = Cart::new(0);
        cart.log = Some(log.clone());
        Host::new(cart)
    }

    fn tell(&self, what: &'static str) {
        if let Some(log) = &self.log {
            let _ = log.send(what);
        }
    }
}

impl Drop for Cart {
    fn drop(&mut self) {
        self.tell("dropped");
    }
}

impl HostClass for Cart {
    const NAME: &'static str = "Cart";

    fn members(members: Members<Cart>) -> Members<Cart> {
        members
            .sync_method("add", |cart, (count,): (u32,), _| {
                Never::Ok(cart.size.fetch_add(count, Ordering::Relaxed) + count)
            })
            .sync_method("merge", |cart, (other,): (Host<Cart>,), _| {
                cart.size.fetch_add(other.size.load(Ordering::Relaxed), Ordering::Relaxed);
                Never::Ok(cart.clone())
            })
            .sync_method("keep", |_, (_dog,): (Host<Dog>,), _| Never::Ok(()))
            .sync_method("name", |_, (): (), call| Never::Ok(call.function().to_owned()))
            .sync_method("panic", |_, (): (), _| -> Never<()> { panic!("the method's fault") })
            .method("order", |cart, (): (), _| async move {
                cart.open.acquire().await?.forget();
                Ok::<_, tokio::sync::AcquireError>(cart.size.load(Ordering::Relaxed))
            })
            .method("fail", |_, (): (), _| async { Err::<(), _>(io::Error::other("of the shop")) })
            .getter("size", |cart| Never::Ok(cart.size.load(Ordering::Relaxed)))
            .getter("owner", |cart| Never::Ok(cart.owner.lock().unwrap().clone()))
            .setter("owner", |cart, owner: String| {
                if owner.is_empty() {
                    return Err(ScriptError::new("RangeError", "nobody"));
                }
                *cart.owner.lock().unwrap() = owner;
                Ok(())
            })
    }

    fn released(&self) {
        self.tell("released");
    }
}

struct Dog;

impl HostClass for Dog {
    const NAME: &'static str = "Dog";

    fn members(members: Members<Dog>) -> Members<Dog> {
        members
    }

    fn released(&self) {
        panic!("a dog is never released");
    }
}

async fn open(globals: Value) -> Context {
    SANDBOX.context().globals(globals).unwrap().await.unwrap()
}

async fn with_cart(size: u32) -> (Context, Host<Cart>) {
    let cart = Host::new(Cart::new(size));
    (open(value!({ "cart": &cart })).await, cart)
}

/// A function `make()` that gives a new cart each time.
fn making(log: &Log) -> Functions {
    let log = log.clone();
    Functions::new().sync_function("make", move |(): (), _| Never::Ok(Cart::logging(&log)))
}

async fn held(context: &Context) -> Vec<String> {
    let text = "[typeof cart, typeof other]";
    context.eval_as(text).await.unwrap()
}

fn told(error: &Error) -> (ErrorKind, String) {
    (error.kind(), error.to_string())
}

mod members {
    use super::*;

    #[tokio::test]
    async fn a_script_calls_methods_and_uses_properties() {
        let (context, cart) = with_cart(1).await;
        assert_eq!(context.eval_as::<u32>("cart.add(2) + cart.size").await.unwrap(), 6);
        assert_eq!(cart.size.load(Ordering::Relaxed), 3);
        assert_eq!(context.eval_as::<String>("cart.owner = 'Ann'; cart.owner").await.unwrap(), "Ann");
        assert_eq!(*cart.owner.lock().unwrap(), "Ann");
        assert_eq!(context.eval_as::<String>("cart.name()").await.unwrap(), "Cart.name");
        // There is no setter.
        assert_eq!(context.eval_as::<u32>("cart.size = 9; cart.size").await.unwrap(), 3);
        let strict = context.eval("'use strict'; cart.size = 9").await.unwrap_err();
        assert_eq!(strict.kind(), ErrorKind::Thrown);
    }

    #[tokio::test]
    async fn an_async_method_is_awaited_while_others_run() {
        let (context, cart) = with_cart(1).await;
        let order = context.eval_as::<u32>("cart.order()").queue();
        assert_eq!(context.eval_as::<u32>("cart.add(4)").await.unwrap(), 5);
        cart.open.add_permits(1);
        assert_eq!(order.await.unwrap(), 5);
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_as_by_functions() {
        let (context, _cart) = with_cart(1).await;
        for (text, kind, told) in [
            ("await cart.fail()", ErrorKind::HostFunction, "Cart.fail failed"),
            ("cart.panic()", ErrorKind::HostFunction, "Cart.panic failed"),
            ("cart.owner = ''", ErrorKind::HostFunction, "nobody"),
            ("cart.add('one')", ErrorKind::Thrown, "Cart.add: argument 0: invalid type: string \"one\", expected u32"),
            ("cart.add(1, 2)", ErrorKind::Thrown, "Cart.add: 2 arguments, of which it takes 1"),
            ("cart.add(() => 1)", ErrorKind::Thrown, "Cart.add: argument 0: a function"),
            ("cart.keep(cart)", ErrorKind::Thrown, "Cart.keep: argument 0: this is no Dog"),
            ("cart.keep({})", ErrorKind::Thrown, "Cart.keep: argument 0: this is no Dog"),
            ("cart.add.call({}, 1)", ErrorKind::Thrown, "Cart.add: this is no Cart"),
            ("new cart.constructor()", ErrorKind::Thrown, "a Cart is made by the host only"),
        ] {
            let caught = format!("try {{ {text}; 'nothing' }} catch (error) {{ error.message }}");
            assert_eq!(context.eval_as::<String>(caught).await.unwrap(), told, "{text}");
            assert_eq!(context.eval(text).await.unwrap_err().kind(), kind, "{text}");
        }
        let error = context.eval("await cart.fail()").await.unwrap_err();
        assert_eq!(error.downcast_ref::<io::Error>().unwrap().to_string(), "of the shop");
    }

    #[tokio::test]
    async fn a_method_may_call_its_own_context() {
        struct Caller(Context);
        impl HostClass for Caller {
            const NAME: &'static str = "Caller";

            fn members(members: Members<Caller>) -> Members<Caller> {
                members
                    .method("eval", |caller, (text,): (String,), _| async move { caller.0.eval(text).await })
                    .sync_method("block", |caller, (): (), _| caller.0.eval("1").blocking())
            }
        }
        let context = SANDBOX.context().await.unwrap();
        context.set_globals([("caller", Host::new(Caller(context.clone())))]).await.unwrap();
        let text = "var n = 1; const more = await caller.eval('n += 1; n * 10'); more + n";
        assert_eq!(context.eval_as::<i32>(text).await.unwrap(), 22);
        let error = context.eval("caller.block()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction);
        assert!(error.to_string().contains("own thread"), "{error}");
        context.close().await.unwrap();
    }

    #[tokio::test]
    async fn members_count_as_calls_of_host_functions() {
        let (context, _cart) = with_cart(1).await;
        let mut limits = Limits::default();
        limits.host_calls = 2;
        let limited = context.limited(limits);
        assert_eq!(limited.eval_as::<u32>("cart.size + cart.size").await.unwrap(), 2);
        let error = limited.eval("cart.size + cart.size + cart.size").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostCallLimit);
    }
}

mod crossing {
    use super::*;

    #[tokio::test]
    async fn an_object_comes_back_as_the_same_wherever_it_stands() {
        let (context, cart) = with_cart(1).await;
        let whole = Value::from(&cart);
        assert_eq!(context.eval("cart").await.unwrap(), whole);
        assert_eq!(context.eval("({ a: [cart, cart] })").await.unwrap(), value!({ "a": [&cart, &cart] }));
        assert_eq!(context.eval("new Map([[cart, 1]])").await.unwrap(), Value::Map(vec![(whole.clone(), 1.into())]));
        let back: Host<Cart> = context.eval_as("cart").await.unwrap();
        assert_eq!(Value::from(&back), whole);
        let same: bool = context.call_as("Object.is", (&cart, &back)).await.unwrap();
        assert!(same);
        let echoed: Vec<Host<Cart>> = context.call_as("Array.of", (&cart, &cart)).await.unwrap();
        assert_eq!(echoed.iter().map(Value::from).collect::<Vec<_>>(), [whole.clone(), whole]);
    }

    #[tokio::test]
    async fn a_method_takes_and_gives_objects() {
        let (context, cart) = with_cart(1).await;
        context.set_globals([("other", Host::new(Cart::new(10)))]).await.unwrap();
        assert!(context.eval_as::<bool>("cart.merge(other) === cart").await.unwrap());
        assert_eq!(cart.size.load(Ordering::Relaxed), 11);
    }

    #[tokio::test]
    async fn one_object_can_be_in_many_contexts() {
        let (first, cart) = with_cart(0).await;
        let second = open(value!({ "cart": &cart })).await;
        first.eval("cart.add(1)").await.unwrap();
        second.eval("cart.add(2)").await.unwrap();
        assert_eq!(cart.size.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn an_object_is_of_use_through_a_handle_and_prints_as_its_class() {
        let (context, _cart) = with_cart(1).await;
        let handle: JsValue = context.eval_as("cart").await.unwrap();
        assert_eq!(handle.call_method::<u32>("add", (1,)).await.unwrap(), 2);
        assert_eq!(handle.text().await.unwrap(), "Cart {}");
        let console = Console::new().with_arguments();
        context.printing_to(&console).eval("console.log(cart)").await.unwrap();
        assert_eq!(console.take()[0].arguments(), ["Cart {}".into()]);
    }

    #[test]
    fn an_object_does_not_leave_the_process() {
        let cart = Host::new(Cart::new(0));
        let error = serde_json::to_string(&Value::from(&cart)).unwrap_err();
        assert_eq!(error.to_string(), "an object of the host does not leave the process");
        assert_eq!(to_value(&[&cart]).unwrap(), value!([&cart]));
        let Value::HostObject(object) = Value::from(cart) else { panic!("it is one") };
        assert_eq!(object.class_name(), "Cart");
        assert!(object.downcast::<Cart>().is_some() && object.downcast::<Dog>().is_none());
        assert!(serde_json::from_str::<Host<Cart>>("{}").is_err());
    }
}

mod release {
    use super::*;

    #[tokio::test]
    async fn what_no_script_holds_is_released_and_dropped() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        context.eval("var cart = make(); var other = make(); undefined").await.unwrap();
        assert!(heard.try_recv().is_err());
        context.eval("cart = 0").await.unwrap();
        assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
        context.close().await.unwrap();
        assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
    }

    #[tokio::test]
    async fn a_result_that_no_script_holds_arrives_and_can_go_back() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        let cart: Host<Cart> = context.eval_as("make()").await.unwrap();
        assert_eq!(heard.recv().await, Some("released"));
        let results = context.eval_batch(["make()", "[make(), make()]"]).await.unwrap();
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(
            context.call_as::<u32>("((cart) => cart.add(1))", (&cart,)).await.err().map(|e| e.kind()),
            Some(ErrorKind::Thrown)
        );
        context.set_globals([("cart", &cart)]).await.unwrap();
        assert_eq!(context.eval_as::<u32>("cart.add(1)").await.unwrap(), 1);
    }

    #[tokio::test]
    async fn what_only_cycles_hold_is_released_by_the_collector() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        context.eval("(() => { const cart = make(); cart.own = { cart } })()").await.unwrap();
        context.eval("for (let i = 0; i < 1e5; i++) { const o = {}; o.o = o }").await.unwrap();
        assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
    }

    #[tokio::test]
    async fn a_call_in_flight_keeps_its_object() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let cart = Cart::logging(&log);
        let context = SANDBOX.context().await.unwrap();
        context.set_globals([("cart", &cart)]).await.unwrap();
        let order =
            context.eval_as::<u32>("(() => { const it = cart; globalThis.cart = 0; return it.order() })()").queue();
        assert_eq!(heard.recv().await, Some("released"));
        cart.open.add_permits(1);
        drop(cart);
        assert_eq!(order.await.unwrap(), 0);
        assert_eq!(heard.recv().await, Some("dropped"));
    }

    #[tokio::test]
    async fn objects_go_with_their_context_and_globals_come_again_with_the_next() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX
            .context()
            .functions(making(&log))
            .globals([("cart", Host::new(Cart::new(7)))])
            .unwrap()
            .await
            .unwrap();
        context.eval("var other = make(); undefined").await.unwrap();
        assert_eq!(held(&context).await, ["object", "object"]);
        context.reset().await.unwrap();
        assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
        assert_eq!(held(&context).await, ["object", "undefined"]);
        assert_eq!(context.eval_as::<u32>("cart.size").await.unwrap(), 7);
        context.eval("var other = make(); undefined").await.unwrap();
        let stopped = context.eval("for (;;);").timeout(Duration::from_millis(20)).await.unwrap_err();
        assert_eq!(stopped.kind(), ErrorKind::Timeout);
        assert_eq!(held(&context).await[0], "object");
        // Jobs are left behind: the context is replaced.
        let killed = "Promise.resolve().then(function again() { Promise.resolve().then(again) }); for (;;);";
        let killed = context.eval(killed).timeout(Duration::from_millis(20)).await.unwrap_err();
        assert!(!killed.is_context_kept());
        assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
        assert_eq!(held(&context).await, ["object", "undefined"]);
        assert_eq!(context.eval_as::<u32>("cart.size").await.unwrap(), 7);
        assert_eq!(context.memory_usage().await.unwrap().host_objects, 1);
    }

    #[tokio::test]
    async fn a_method_that_never_answers_ends_with_its_call_and_lets_its_object_go() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        let call = context.eval("make().order()").timeout(Duration::from_millis(20));
        assert_eq!(call.await.unwrap_err().kind(), ErrorKind::Timeout);
        let heard = [heard.recv().await, heard.recv().await];
        assert_eq!(heard, [Some("released"), Some("dropped")]);
        assert_eq!(context.memory_usage().await.unwrap().host_objects, 0);
    }

    #[tokio::test]
    async fn bad_input_leaves_no_object_behind() {
        let (log, _heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        for argument in [
            "new Proxy({}, { ownKeys() { throw 1 } })",
            "new Proxy({}, { get() { for (;;); }, ownKeys: () => ['a'], getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) })",
            "(() => { const r = Proxy.revocable({}, {}); r.revoke(); return r.proxy })()",
            "(() => { const b = new Uint8Array(1); b.buffer.transfer(); return b.buffer })()",
            "'x'.repeat(3e6)",
            "{ get a() { it = 0; throw 1 } }",
        ] {
            let script = format!("{{ let it = make(); it.add(({argument})) }}");
            assert!(context.eval(&*script).timeout(Duration::from_millis(50)).await.is_err(), "{argument}");
            let script = format!("{{ let it = make(); it.add.call(({argument})) }}");
            assert!(context.eval(&*script).timeout(Duration::from_millis(50)).await.is_err(), "{argument}");
            assert_eq!(context.memory_usage().await.unwrap().host_objects, 0, "{argument}");
        }
        let again = "let it = make(); it.add({ get a() { return it.add(1) }, valueOf: () => 1 })";
        assert_eq!(context.eval(again).await.unwrap_err().kind(), ErrorKind::Thrown);
    }

    #[tokio::test]
    async fn an_object_whose_drop_panics_harms_nobody() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("a bomb goes off");
            }
        }
        impl HostClass for Bomb {
            const NAME: &'static str = "Bomb";

            fn members(members: Members<Bomb>) -> Members<Bomb> {
                members
            }
        }
        let functions =
            Functions::new().sync_function("make", |(): (), _| Never::Ok([Host::new(Bomb), Host::new(Bomb)]));
        let mut limits = Limits::default();
        limits.host_objects = 1;
        let context = SANDBOX.context().functions(functions).limits(limits).await.unwrap();
        assert_eq!(context.eval("make()").await.unwrap_err().kind(), ErrorKind::HandleLimit);
        assert_eq!(context.memory_usage().await.unwrap().host_objects, 0);
    }

    #[tokio::test]
    async fn an_object_that_panics_as_it_is_released_harms_nobody() {
        let context = open(value!({ "dog": Host::new(Dog) })).await;
        context.eval("dog = 0").await.unwrap();
        context.set_globals([("dog", Host::new(Dog))]).await.unwrap();
        assert_eq!(context.eval_as::<String>("dog.constructor.name").await.unwrap(), "Dog");
        context.close().await.unwrap();
    }
}

mod limits {
    use super::*;

    #[tokio::test]
    async fn scripts_hold_as_many_objects_as_they_may() {
        const FULL: &str = "scripts of the context hold 2 objects of the host, the most they may";
        let (log, _heard) = mpsc::unbounded_channel();
        let mut limits = Limits::default();
        limits.host_objects = 2;
        let context = SANDBOX.context().functions(making(&log)).limits(limits).await.unwrap();
        context.eval("var carts = [make(), make()]; undefined").await.unwrap();
        let caught: String = context.eval_as("try { make() } catch (error) { String(error) }").await.unwrap();
        assert_eq!(caught, format!("RangeError: {FULL}"));
        let error = context.eval("make()").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HandleLimit);
        let refused = context.set_globals([("cart", Host::new(Cart::new(0)))]).await.unwrap_err();
        assert_eq!(told(&refused).0, ErrorKind::HandleLimit);
        assert!(refused.to_string().contains(FULL), "{refused}");
        context.eval("carts.pop(); undefined").await.unwrap();
        context.eval("carts.push(make()); undefined").await.unwrap();
    }

    #[tokio::test]
    async fn many_objects_come_and_go() {
        let (log, mut heard) = mpsc::unbounded_channel();
        let context = SANDBOX.context().functions(making(&log)).await.unwrap();
        context.eval("for (let i = 0; i < 9000; i++) make(); undefined").await.unwrap();
        for _ in 0..9000 {
            assert_eq!((heard.recv().await, heard.recv().await), (Some("released"), Some("dropped")));
        }
        let carts: Vec<HostObject> = match context.eval("Array.from({ length: 9000 }, () => make())").await.unwrap() {
            Value::Array(carts) => carts
                .into_iter()
                .filter_map(|cart| match cart {
                    Value::HostObject(cart) => Some(cart),
                    _ => None,
                })
                .collect(),
            other => panic!("{other:?}"),
        };
        assert_eq!(carts.len(), 9000);
    }
}
