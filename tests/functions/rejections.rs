//! Rejections that no script handles.

use super::*;

#[tokio::test]
async fn a_rejection_that_nobody_handles_is_reported_once() {
    let (sender, mut told) = mpsc::unbounded_channel();
    let (functions, gate) = gated();
    let console = move |message: &ConsoleMessage| {
        drop(sender.send((message.level(), message.text().lines().next().map(str::to_owned))));
    };
    let context = SANDBOX.context().functions(functions).on_console(console).await.unwrap();
    let late = "const late = gate(1).then(() => { throw new TypeError('late') }); gate(2).then(() => 'ended')";
    let waits = context.eval(late).queue();
    gate.add_permits(2);
    assert_eq!(waits.await.unwrap(), "ended".into());
    let first = told.recv().await.unwrap();
    assert_eq!(first, (Level::Error, Some("Uncaught (in promise) TypeError: late".to_owned())));
    context.eval("await gate(3).then(() => { throw 1 })").queue().detach();
    gate.add_permits(1);
    context.close().await.unwrap();
    // The caller was told of this one.
    assert_eq!(told.recv().await, None);
}
