//! What calls used, as it is counted.

use super::*;

#[tokio::test]
async fn a_call_says_what_it_used() {
    let context = open(|_| {}).await;
    let (console, meter) = (Console::new(), Meter::new());
    let source =
        "console.log('hello'); echo('abc'); const until = Date.now() + 10; while (Date.now() < until); 'result'";
    context.metered(&meter).printing_to(&console).eval(source).await.unwrap();
    let used = meter.take();
    assert_eq!((used.calls, used.host_calls, used.interrupts, used.lost), (1, 1, 0, 0), "{used:?}");
    assert_eq!((used.bytes_in, used.bytes_out), (source.len() as u64, 7), "{used:?}");
    // A list of one text of three bytes, and the text.
    assert_eq!(used.host_bytes, 5 + 4, "{used:?}");
    assert!(used.console_bytes > 5 && used.memory_after > 1 << 20 && used.memory >= used.memory_after, "{used:?}");
    assert!(used.wall >= 5 * MS && used.cpu > Duration::ZERO && used.cpu <= used.wall, "{used:?}");
    assert_eq!(meter.total(), Default::default());
}

#[tokio::test]
async fn a_call_that_fails_or_is_given_up_is_counted_too() {
    let meter = Meter::new();
    let context = open(|limits| limits.wall_time = 20 * MS).await.metered(&meter);
    context.eval("for (;;);").await.unwrap_err();
    assert_eq!((meter.total().calls, meter.take().interrupts), (1, 1));
    context.eval("throw 1").await.unwrap_err();
    assert_eq!((meter.total().calls, meter.take().interrupts), (1, 0));
    context.eval("await never()").await.unwrap_err();
    assert_eq!((meter.total().calls, meter.take().interrupts), (1, 1));
}

#[tokio::test]
async fn contexts_and_sandboxes_have_totals() {
    let (whole, part) = (Meter::new(), Meter::new());
    let sandbox = Sandbox::builder().meter(&whole).build().unwrap();
    let (one, other) = (sandbox.context().meter(&part).await.unwrap(), sandbox.context().await.unwrap());
    for _ in 0..3 {
        one.eval("1").await.unwrap();
        other.eval("1").await.unwrap();
    }
    one.eval_batch(["1", "2"]).await.unwrap();
    assert_eq!((part.total().calls, whole.total().calls), (5, 8));
    assert!(whole.total().cpu > part.total().cpu);
}

#[tokio::test]
async fn a_call_is_counted_once_and_so_is_one_that_is_refused() {
    let meter = Meter::new();
    let context = SANDBOX.context().meter(&meter).limits(limits(|limits| limits.source = 10)).await.unwrap();
    context.metered(&meter).eval("1").await.unwrap();
    assert_eq!(meter.take().calls, 1);
    context.eval(" ".repeat(11)).await.unwrap_err();
    assert_eq!(meter.take().calls, 1);
    context.eval_batch(vec![" ".repeat(11), "1".to_owned()]).await.unwrap();
    assert_eq!(meter.take().calls, 2);
}

#[tokio::test]
async fn the_items_of_a_hop_have_waited_once() {
    let meter = Meter::new();
    let context = open(|_| {}).await;
    let began = Instant::now();
    let slow = context.eval("const until = Date.now() + 30; while (Date.now() < until);").queue();
    let batch = context.metered(&meter).eval_batch(vec!["1"; 50]).queue();
    slow.await.unwrap();
    batch.await.unwrap();
    let used = meter.total();
    assert!(used.calls == 50 && used.queue <= began.elapsed(), "{used:?}");
}

#[tokio::test]
async fn the_time_in_the_queue_is_apart() {
    let (first, second) = (Meter::new(), Meter::new());
    let (opened, gate) = mpsc::channel();
    let gate = Mutex::new(gate);
    let functions = Functions::new().sync_function("wait", move |(): (), _| gate.lock().unwrap().recv());
    let context = SANDBOX.context().functions(functions).await.unwrap();
    let slow = context.metered(&first).eval("wait()").queue();
    let quick = context.metered(&second).eval("1").queue();
    let queued = Instant::now();
    while queued.elapsed() < 5 * MS {
        thread::yield_now();
    }
    opened.send(()).unwrap();
    slow.await.unwrap();
    quick.await.unwrap();
    let (first, second) = (first.total(), second.total());
    assert!(first.queue + first.wall >= 5 * MS && second.queue >= 5 * MS, "{first:?} {second:?}");
}

#[tokio::test]
async fn what_a_script_uses_after_its_wait_is_counted() {
    let meter = Meter::new();
    let context = open(|_| {}).await.metered(&meter);
    context.eval("await later(); const until = Date.now() + 10; while (Date.now() < until); 1").await.unwrap();
    let used = meter.total();
    assert!(used.calls == 1 && used.cpu > MS && used.wall >= 9 * MS, "{used:?}");
}
