//! Limits of sizes: the stack, sources, results and the console.

use super::*;

#[tokio::test]
async fn the_stack_is_as_deep_as_its_limit_lets_it_be() {
    let depth = "let depth = 0; \
            function down() { depth++; down() } try { down() } catch (error) { [error.name, depth] }";
    let mut depths = Vec::new();
    for kib in [64, 128, 256] {
        let context = open(|limits| limits.stack = kib << 10).await;
        let (name, depth) = context.eval_as::<(String, u32)>(depth).await.unwrap();
        assert_eq!(name, "RangeError");
        depths.push(depth);
    }
    assert!(depths[0] > 50 && depths[1] > depths[0] && depths[2] > depths[1], "{depths:?}");
}

#[tokio::test]
async fn a_source_may_be_as_long_as_its_limit() {
    let context = open(|limits| limits.source = 100).await;
    for length in [99, 100] {
        assert!(context.eval(format!("{:<length$}", "1 + 1")).await.is_ok());
    }
    refuses(&context.eval(" ".repeat(101)).await.unwrap_err(), ErrorKind::SourceTooLarge, "longer than 100 bytes");
    let batch = context.eval_batch(vec![" ".repeat(101), "2".to_owned()]).await.unwrap();
    refuses(batch[0].as_ref().unwrap_err(), ErrorKind::SourceTooLarge, "longer than 100 bytes");
    assert_eq!(batch[1].as_ref().unwrap(), &2.into());
}

#[tokio::test]
async fn a_result_may_be_as_long_as_its_limit() {
    let context = open(|limits| limits.result = 0).await;
    let results: Vec<_> = context.eval_batch(["1", "2"]).stream().collect().await;
    assert_eq!(results.len(), 2);
    results.iter().for_each(|result| refuses(result.as_ref().unwrap_err(), ErrorKind::ResultTooLarge, "0 bytes"));
    // Encoded, a text of 1000 bytes has a head of three.
    let context = open(|limits| limits.result = 1003).await;
    for length in [999, 1000] {
        assert!(context.eval(format!("'x'.repeat({length})")).await.is_ok());
    }
    let error = context.eval("'x'.repeat(1001)").await.unwrap_err();
    refuses(&error, ErrorKind::ResultTooLarge, "longer than 1003 bytes");
}

#[tokio::test]
async fn console_output_is_cut_behind_its_limit() {
    let console = Console::new();
    let mut printed = Vec::new();
    for bytes in [10_000, 10_001] {
        let context = open(|limits| limits.console = 10_000).await.printing_to(&console);
        context.eval("console.log('')").await.unwrap();
        let meter = Meter::new();
        let context = context.metered(&meter);
        context.eval("console.log('')").await.unwrap();
        let overhead = usize::try_from(meter.take().console_bytes).unwrap();
        context.eval(format!("console.log('x'.repeat({}))", bytes - overhead)).await.unwrap();
        assert!(meter.total().console_bytes <= 10_000);
        printed.push(console.take().len());
    }
    assert_eq!(printed, [3, 4], "the second is cut, and one message more says so");
}
