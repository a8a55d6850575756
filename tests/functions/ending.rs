//! How evaluations that wait come to their end, and what hears of it.

use super::*;

#[tokio::test]
async fn the_deadline_covers_waiting() {
    let (functions, mut told) = endless();
    let context = open(functions).await;
    context.eval("let kept = 1").await.unwrap();
    let error = context.eval("wait()").timeout(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
    assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
    assert_eq!(context.eval("kept").await.unwrap(), 1.into());
}

#[tokio::test]
async fn the_limit_of_the_context_covers_waiting() {
    let (functions, _told) = endless();
    let context = open_with(functions, |limits| limits.wall_time = Duration::from_millis(20)).await;
    let error = context.eval("wait()").await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true));
    assert!(error.to_string().contains("20ms"), "{error}");
}

#[tokio::test]
async fn a_caller_who_goes_cancels_the_calls_of_his_evaluation_only() {
    let (functions, mut told) = endless();
    let (gates, gate) = gated();
    let context = SANDBOX.context().functions(functions).functions(gates).await.unwrap();
    let other = context.eval("gate(1)").queue();
    let ticket = context.eval("wait()").queue();
    assert_eq!(told.recv().await, Some("called"));
    drop(ticket);
    assert_eq!(told.recv().await, Some("dropped"));
    gate.add_permits(1);
    assert_eq!(other.await.unwrap(), 1.into());

    let ticket = context.eval("wait()").queue();
    assert_eq!(told.recv().await, Some("called"));
    ticket.abort();
    assert_eq!(ticket.await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(told.recv().await, Some("dropped"));
}

#[tokio::test]
async fn the_end_of_a_script_cancels_what_it_did_not_await() {
    let (functions, mut told) = endless();
    let context = open(functions).await;
    assert_eq!(context.eval("wait(); 'done'").await.unwrap(), "done".into());
    assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
    context.eval("wait(); throw 1").await.unwrap_err();
    assert_eq!((told.recv().await, told.recv().await), (Some("called"), Some("dropped")));
}

#[tokio::test]
async fn a_call_knows_when_it_is_cancelled() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let functions = Functions::new().function("spawn", move |(): (), call: HostCall| {
        let sender = sender.clone();
        async move {
            assert!(call.time_left() > Duration::from_secs(1));
            tokio::spawn(async move {
                call.cancelled().await;
                sender.send((call.function().to_owned(), call.is_cancelled(), call.evaluation() > 0, call.id() > 0))
            });
            pending::<Never<()>>().await
        }
    });
    let context = open(functions).await;
    context.eval("spawn(); 1").await.unwrap();
    assert_eq!(receiver.recv().await.unwrap(), ("spawn".to_owned(), true, true, true));
}

#[tokio::test]
async fn what_a_call_spawned_hears_of_the_end_though_the_call_was_answered() {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let functions = Functions::new().function("spawn", move |(): (), call: HostCall| {
        let sender = sender.clone();
        tokio::spawn(async move {
            call.cancelled().await;
            sender.send("ended")
        });
        async { Never::Ok(()) }
    });
    let context = open(functions).await;
    context.eval("await spawn(); 1").await.unwrap();
    assert_eq!(receiver.recv().await, Some("ended"));
}

#[tokio::test]
async fn a_script_that_goes_on_after_its_wait_is_stopped_by_close_now() {
    let (functions, gate) = gated();
    let (started, mut running) = mpsc::unbounded_channel();
    let functions = functions.sync_function("running", move |(): (), _| {
        let _ = started.send(());
        Never::Ok(())
    });
    let context = open_with(functions, |limits| limits.wall_time = Duration::from_secs(600)).await;
    let loops = context.eval("await gate(1); running(); for (;;);").queue();
    gate.add_permits(1);
    running.recv().await.unwrap();
    context.close_now().await.unwrap();
    assert_eq!(loops.await.unwrap_err().kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn what_nothing_can_settle_is_told_at_once() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let error = context.eval("new Promise(() => {})").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeverSettles);
    let error = context.eval("await new Promise(() => {})").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NeverSettles);
    // It waits for a call as long as there is any.
    let waits = context.eval("gate(1); await new Promise(() => {})").queue();
    gate.add_permits(1);
    assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::NeverSettles);
}

#[tokio::test]
async fn one_evaluation_may_settle_another() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let first = context.eval("gate(1); await new Promise((resolve) => { globalThis.resolve = resolve })").queue();
    context.eval("resolve('by another')").await.unwrap();
    assert_eq!(first.await.unwrap(), "by another".into());
    gate.add_permits(1);
}

#[tokio::test]
async fn a_context_that_is_lost_fails_what_waits() {
    let (functions, mut told) = endless();
    let context = open(functions).await;
    let waits = context.eval("wait()").queue();
    assert_eq!(told.recv().await, Some("called"));
    context.reset().await.unwrap();
    let error = waits.await.unwrap_err();
    assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Lost, false));
    assert_eq!(told.recv().await, Some("dropped"));

    let waits = context.eval("wait()").queue();
    assert_eq!(told.recv().await, Some("called"));
    let killed = context.eval("new Array(2e8) + ''").timeout(Duration::from_millis(20)).await.unwrap_err();
    assert_eq!((killed.kind(), killed.is_context_kept()), (ErrorKind::Timeout, false));
    assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Lost);
    assert_eq!(context.eval("1").await.unwrap(), 1.into());
}

#[tokio::test]
async fn an_answer_after_which_a_script_never_ends_is_stopped() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let loops = context.eval("await gate(1); for (;;);").timeout(Duration::from_millis(50)).queue();
    gate.add_permits(1);
    let error = loops.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(context.eval("1").await.unwrap(), 1.into());
}

#[tokio::test]
async fn close_waits_for_what_waits_and_close_now_does_not() {
    let (functions, gate) = gated();
    let context = open(functions).await;
    let waits = context.eval("await gate(1) + await gate(2)").queue();
    let closing = context.close();
    gate.add_permits(2);
    closing.await.unwrap();
    assert_eq!(waits.await.unwrap(), 3.into());

    let (functions, mut told) = endless();
    let context = open(functions).await;
    let waits = context.eval("wait()").queue();
    assert_eq!(told.recv().await, Some("called"));
    let closing = context.close();
    context.close_now().await.unwrap();
    closing.await.unwrap();
    assert_eq!(waits.await.unwrap_err().kind(), ErrorKind::Closed);
    assert_eq!(told.recv().await, Some("dropped"));
}

#[tokio::test]
async fn a_detached_evaluation_goes_on_when_its_handle_is_dropped() {
    let arrived = Arc::new(Notify::new());
    let (functions, gate) = gated();
    let notify = Arc::clone(&arrived);
    let functions = functions.sync_function("arrive", move |(): (), _| {
        notify.notify_one();
        Never::Ok(())
    });
    let context = open(functions).await;
    context.eval("await gate(1); arrive()").queue().detach();
    drop(context);
    gate.add_permits(1);
    arrived.notified().await;
}
