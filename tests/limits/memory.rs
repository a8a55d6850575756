//! The limit of memory, and all that counts towards it.

use super::*;

#[tokio::test]
async fn an_allocation_that_fits_is_made_and_one_that_does_not_is_out_of_memory() {
    let size = |bytes: usize| format!("new Uint8Array({bytes}).length");
    for bytes in [8 << 20, 11 << 20] {
        let context = open(|limits| limits.memory = 16 << 20).await;
        assert_eq!(context.eval_as::<usize>(size(bytes)).await.unwrap(), bytes);
    }
    let context = open(|limits| limits.memory = 16 << 20).await;
    refuses(&context.eval(size(12 << 20)).await.unwrap_err(), ErrorKind::MemoryLimit, "16777216 bytes of memory");
    assert_eq!(context.eval_as::<usize>(size(8 << 20)).await.unwrap(), 8 << 20);
}

#[tokio::test]
async fn null_that_is_thrown_is_no_want_of_memory_where_there_is_some() {
    let context = open(|limits| limits.memory = 16 << 20).await;
    let error = context.eval("try { new Uint8Array(1 << 30) } catch {} throw null").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Thrown, "{error}");
}

#[tokio::test]
async fn a_result_that_is_small_encoded_and_large_decoded_counts_as_it_is() {
    let context = open(|limits| limits.memory = 40 << 20).await;
    assert_eq!(context.eval_as::<Vec<u8>>("Array(100000).fill(1)").await.unwrap().len(), 100_000);
    let error = context.eval("Array(1000000).fill(1)").await.unwrap_err();
    refuses(&error, ErrorKind::MemoryLimit, "the result takes more than is left of its 41943040 bytes");
}

#[tokio::test]
async fn arguments_of_a_host_function_count_as_memory() {
    let functions = Functions::new().sync_function("take", |(list,): (Vec<u8>,), _| Ok::<_, Infallible>(list.len()));
    let limits = limits(|limits| limits.memory = 40 << 20);
    let context = SANDBOX.context().functions(functions).limits(limits).await.unwrap();
    assert_eq!(context.eval_as::<usize>("take(Array(100000).fill(1))").await.unwrap(), 100_000);
    let caught = "try { take(Array(1000000).fill(1)) } catch (error) { error.name }";
    assert_eq!(context.eval(caught).await.unwrap(), "RangeError".into());
    refuses(&context.eval("take(Array(1000000).fill(1))").await.unwrap_err(), ErrorKind::MemoryLimit, "memory");
}

#[tokio::test]
async fn results_of_a_batch_that_wait_for_the_others_count_as_memory() {
    let context = open(|limits| limits.memory = 16 << 20).await;
    let results = context.eval_batch(vec!["'x'.repeat(1e6)"; 40]).await.unwrap();
    let fitting = results.iter().take_while(|result| result.is_ok()).count();
    assert!((5..15).contains(&fitting), "{fitting}");
    assert!(
        results[fitting..]
            .iter()
            .all(|result| result.as_ref().is_err_and(|error| error.kind() == ErrorKind::MemoryLimit))
    );
    // What was taken makes room.
    assert_eq!(context.eval_as::<usize>("new Uint8Array(11 << 20).length").await.unwrap(), 11 << 20);
}

#[tokio::test]
async fn errors_of_a_batch_count_as_memory_with_what_was_thrown() {
    let context = open(|limits| limits.memory = 16 << 20).await;
    let results = context.eval_batch(vec!["throw new Array(5000).fill(0)"; 400]).await.unwrap();
    let errors: Vec<_> = results.into_iter().map(Result::unwrap_err).collect();
    let fitting = errors.iter().take_while(|error| error.kind() == ErrorKind::Thrown).count();
    assert!((20..200).contains(&fitting), "{fitting}");
    refuses(&errors[fitting], ErrorKind::MemoryLimit, "more than is left of its 16777216 bytes");
    let thrown = errors[0].exception().unwrap().thrown.as_ref();
    assert!(thrown.is_some_and(|thrown| matches!(thrown, Value::Array(items) if items.len() == 5000)));
    // What would take more than such values may is left out.
    let error = context.eval("throw new Array(65000).fill(0)").await.unwrap_err();
    assert_eq!(error.exception().unwrap().thrown, None);
}

#[tokio::test]
async fn what_waits_in_a_console_counts_as_memory() {
    let console = Console::new();
    let limits = limits(|limits| (limits.memory, limits.console) = (16 << 20, 100 << 20));
    let sandbox = Sandbox::builder().limits(limits).build().unwrap();
    let context = sandbox.context().await.unwrap().printing_to(&console);
    context.eval("for (let i = 0; i < 100; i++) console.log('x'.repeat(500000))").await.unwrap();
    let messages = console.take();
    assert!((3..30).contains(&messages.len()), "{}", messages.len());
    let last = messages.last().unwrap().text();
    assert!(last.contains("cut here: it takes more than is left of its 16777216 bytes of memory"), "{last}");
    context.eval("console.log('x'.repeat(500000))").await.unwrap();
    assert_eq!(console.take().len(), 1, "what was taken makes room");
}

#[tokio::test]
async fn what_a_stream_has_no_room_for_is_refused_by_the_limit_that_holds() {
    const THROWS: &str = "throw new Array(5000).fill(0)";
    let context = open(|_| {}).await;
    // The engine keeps the memory that this had, so that there is more of it than a context has to have.
    context.eval("new Uint8Array(4 << 20); 0").await.unwrap();
    let meter = Meter::new();
    context.metered(&meter).eval(THROWS).await.unwrap_err();
    // Less than what was thrown takes.
    let scarce = meter.total().memory_after + (64 << 10);
    let expected = format!("more than is left of its {scarce} bytes of memory");
    let limited = context.limited(limits(|limits| limits.memory = scarce));
    let mut errors = vec![limited.eval_batch([THROWS]).stream().next().await.unwrap().unwrap_err()];
    errors.extend(limited.eval_batch([THROWS]).await.unwrap().into_iter().map(Result::unwrap_err));
    errors.iter().for_each(|error| refuses(error, ErrorKind::MemoryLimit, &expected));
}

#[tokio::test]
async fn a_sink_hears_what_a_console_has_no_memory_for() {
    let heard = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&heard);
    let limits = limits(|limits| (limits.memory, limits.console) = (16 << 20, 100 << 20));
    let sandbox = Sandbox::builder().limits(limits).build().unwrap();
    let context = sandbox.context().on_console(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    });
    let (console, meter) = (Console::new(), Meter::new());
    let context = context.await.unwrap().printing_to(&console).metered(&meter);
    context.eval("for (let i = 0; i < 100; i++) console.log('x'.repeat(500000))").await.unwrap();
    assert_eq!(heard.load(Ordering::Relaxed), 100);
    let bytes = meter.total().console_bytes;
    assert!((50_000_000..51_000_000).contains(&bytes), "{bytes}");
    let messages = console.take();
    let cuts = messages.iter().filter(|message| message.text().contains("cut here")).count();
    assert!(messages.len() < 30 && cuts == 1, "{} messages, {cuts}", messages.len());
}

#[tokio::test]
async fn a_stream_of_large_results_waits_for_its_consumer() {
    let context = open(|limits| limits.memory = 16 << 20).await;
    let results: Vec<_> = context.eval_batch(vec!["'x'.repeat(1e6)"; 40]).stream().collect().await;
    assert_eq!(results.len(), 40);
    assert!(results.iter().all(Result::is_ok), "{:?}", results.iter().find(|result| result.is_err()));
}
