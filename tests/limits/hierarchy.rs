//! Limits of sandbox, group, context and call, which all hold.

use super::*;

fn result(bytes: usize) -> Limits {
    limits(|limits| limits.result = bytes)
}

/// The longest text that comes out, where the limits of results are these.
async fn longest(sandbox: usize, group: usize, context: usize, call: usize) -> usize {
    let sandbox = Sandbox::builder().limits(result(sandbox)).build().unwrap();
    let group = Group::new(result(group), Budget::default());
    let context = sandbox.context().group(&group).limits(result(context)).await.unwrap().limited(result(call));
    for length in 0..100 {
        if context.eval(format!("'x'.repeat({length})")).await.is_err() {
            return length;
        }
    }
    100
}

#[tokio::test]
async fn the_lowest_of_sandbox_group_context_and_call_holds() {
    let found = [
        longest(10, 20, 20, 20).await,
        longest(20, 10, 20, 20).await,
        longest(20, 20, 10, 20).await,
        longest(20, 20, 20, 10).await,
    ];
    assert_eq!(found, [10; 4]);
}

fn budget(change: impl FnOnce(&mut Budget)) -> Group {
    let mut budget = Budget::default();
    change(&mut budget);
    Group::new(Limits::default(), budget)
}

#[tokio::test]
async fn the_contexts_of_a_group_share_its_memory() {
    let group = budget(|budget| budget.memory = 40 << 20);
    let (one, other) = (SANDBOX.context().group(&group).await.unwrap(), SANDBOX.context().group(&group).await.unwrap());
    let take = |mib: usize| format!("globalThis.taken = new Uint8Array({mib} << 20); 1");
    one.eval(take(25)).await.unwrap();
    let error = other.eval(take(25)).await.unwrap_err();
    refuses(&error, ErrorKind::MemoryLimit, "more than the 41943040 bytes of memory of its group");
    assert!((25 << 20..40 << 20).contains(&group.memory()), "{}", group.memory());
    one.reset().await.unwrap();
    other.eval(take(25)).await.unwrap();
    drop(one);
    other.close().await.unwrap();
}

#[tokio::test]
async fn memory_and_places_come_back_to_the_group_at_the_end_of_a_context() {
    let group = budget(|budget| budget.instances = 2);
    let one = SANDBOX.context().group(&group).await.unwrap();
    let other = SANDBOX.context().group(&group).await.unwrap();
    let error = SANDBOX.context().group(&group).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::GroupFull);
    assert!(error.to_string().contains("its 2 instances"), "{error}");
    one.close().await.unwrap();
    assert_eq!(group.instances(), 1);
    let third = SANDBOX.context().group(&group).await.unwrap();
    join_all([other.close(), third.close()]).await;
    assert_eq!((group.instances(), group.memory()), (0, 0));
}

#[tokio::test]
async fn the_contexts_of_a_group_share_its_processor_time() {
    let group = budget(|budget| budget.cpu_time = 100 * MS);
    let one = SANDBOX.context().group(&group).await.unwrap();
    let other = SANDBOX.context().group(&group).await.unwrap();
    let ended = join_all([one.eval("for (;;);").into_future(), other.eval("for (;;);").into_future()]).await;
    for error in ended.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.kind(), ErrorKind::CpuLimit);
        assert!(
            error.to_string().contains("the group has used its 100ms of processor time; the context was"),
            "{error}"
        );
    }
    assert!((100 * MS..200 * MS).contains(&group.cpu_time()), "{:?}", group.cpu_time());
    refuses(&one.eval("1").await.unwrap_err(), ErrorKind::CpuLimit, "100ms");
    assert_eq!(SANDBOX.context().group(&group).await.unwrap_err().kind(), ErrorKind::CpuLimit);
    group.add_cpu_time(Duration::from_secs(5));
    assert_eq!(one.eval_as::<i32>("1 + 1").await.unwrap(), 2);
}

#[tokio::test]
async fn the_items_of_a_batch_that_its_group_refuses_are_those_whose_turn_it_is() {
    let group = budget(|budget| budget.cpu_time = 50 * MS);
    // So one at a time is made ahead.
    let limits = limits(|limits| limits.result = 1);
    let context = SANDBOX.context().group(&group).limits(limits).await.unwrap();
    let mut results = context.eval_batch(["for (;;);", "2", "3", "4"]).stream();
    for _ in 0..2 {
        assert_eq!(results.next().await.unwrap().unwrap_err().kind(), ErrorKind::CpuLimit);
    }
    group.add_cpu_time(Duration::from_secs(5));
    assert_eq!(results.next().await.unwrap().unwrap(), 3.into());
    assert_eq!(results.next().await.unwrap().unwrap(), 4.into());
    assert!(results.next().await.is_none());
}
