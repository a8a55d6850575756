//! How calls are ended: by the brake page where there is one, or by epochs.

use super::*;

/// No instruction of it is a step of QuickJS's own, at which it could be asked.
const DEAF: &str = "new Array(2e8) + ''";

async fn is_ended_and_replaced(sandbox: &Sandbox) {
    for round in 0..20 {
        let context = sandbox.context().await.unwrap();
        assert_eq!(context.eval("typeof before").await.unwrap(), "undefined".into(), "{round}");
        context.eval("globalThis.before = [1, 2, 3]").await.unwrap();
        let error = context.eval(DEAF).timeout(20 * MS).await.unwrap_err();
        assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, false), "{error}");
        assert_eq!(context.eval("typeof before").await.unwrap(), "undefined".into(), "{round}");
        context.close().await.unwrap();
    }
}

#[tokio::test]
async fn what_does_not_heed_is_ended_and_its_place_is_as_good_as_new() {
    // One place, so each context is where the last one was ended.
    is_ended_and_replaced(&Sandbox::builder().max_contexts(1).build().unwrap()).await;
}

#[tokio::test]
async fn with_epochs_it_is_the_same() {
    is_ended_and_replaced(&Sandbox::builder().max_contexts(1).use_epochs().build().unwrap()).await;
}

#[tokio::test]
async fn a_call_that_ends_just_when_it_is_to_be_ended_does_no_harm() {
    // Longer after each that was not ended and shorter after each that was: so their time is about their limit on any machine, and some end while
    // their page is being closed.
    let sandbox = Sandbox::builder().max_contexts(4).build().unwrap();
    let each = async || {
        let context = sandbox.context().await.unwrap();
        let (mut length, mut rounds, mut ended) = (10_000, 0, 0);
        while rounds < 100 || ended == 0 || ended == rounds {
            let answer = context.eval(format!("(new Array({length}) + '').length")).timeout(2 * MS).await;
            rounds += 1;
            match answer {
                Ok(commas) => {
                    assert_eq!(commas, Value::Number((length - 1) as f64));
                    length += length / 8;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
                    ended += 1;
                    length = (length - length / 4).max(8);
                }
            }
        }
    };
    join_all((0..4).map(|_| each())).await;
}

#[tokio::test]
async fn who_is_in_the_host_when_time_is_over_is_asked_first() {
    let functions = Functions::new().sync_function("work", |(): (), _| {
        let end = Instant::now() + 30 * MS;
        while Instant::now() < end {
            std::hint::spin_loop();
        }
        Ok::<_, Infallible>(())
    });
    let context = SANDBOX.context().functions(functions).await.unwrap();
    context.eval("globalThis.kept = 1").await.unwrap();
    let mut kept = false;
    for _ in 0..20 {
        context.eval("globalThis.kept ??= 1").await.unwrap();
        let error = context.eval("work(); for (;;);").timeout(5 * MS).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        kept = kept || error.is_context_kept();
    }
    assert!(kept, "it was trapped each time");
}

#[tokio::test]
async fn who_goes_on_calling_the_host_is_ended_all_the_same() {
    // One until it is asked, one that it may have begun before it saw that, and one in which its time is over. With epochs it goes on until the
    // ticker had its turn, which a busy machine may keep it from.
    let brakes = Sandbox::builder().max_contexts(1);
    let epochs = Sandbox::builder().max_contexts(1).use_epochs();
    for (sandbox, most) in [(brakes, 10), (epochs, 500)] {
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let functions = Functions::new().sync_function("work", move |(): (), _| {
            counted.fetch_add(1, Ordering::Relaxed);
            let end = Instant::now() + 20 * MS;
            while Instant::now() < end {
                std::hint::spin_loop();
            }
            Ok::<_, Infallible>(())
        });
        let context = sandbox.functions(functions).build().unwrap().context().await.unwrap();
        let error = context.eval("for (;;) work()").timeout(5 * MS).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout, "{error}");
        assert!(calls.load(Ordering::Relaxed) < most, "{calls:?}");
    }
}
