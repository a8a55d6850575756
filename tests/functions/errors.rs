//! Functions that fail, and what is told of it to whom.

use super::*;

fn failing() -> Functions {
    Functions::new()
        .function("tools.read", |(): (), _| async { Err::<(), _>(io::Error::other("the password is 1234")) })
        .sync_function("now", |(): (), _| Err::<(), _>(io::Error::other("secret")))
        .function("told", |(): (), _| async { Err::<(), _>(ScriptError::new("RangeError", "no such thing")) })
        .sync_function("own", |(): (), _| Err::<(), _>(ScriptError::new("NoSuchTool", "said so")))
}

#[tokio::test]
async fn a_script_is_told_that_a_function_failed_and_not_why() {
    let context = open(failing()).await;
    let told = "tools.read().catch((error) => [String(error), error instanceof Error, Object.keys(error)])";
    assert_eq!(context.eval(told).await.unwrap(), value!(["Error: tools.read failed", true, []]));
    let told = "try { now() } catch (error) { [error.name, error.message, error.stack.includes('<eval>')] }";
    assert_eq!(context.eval(told).await.unwrap(), value!(["Error", "now failed", true]));
    assert_eq!(context.eval("JSON.stringify([globalThis.tools])").await.unwrap(), "[{}]".into());
}

#[tokio::test]
async fn what_is_meant_for_the_script_reaches_it() {
    let context = open(failing()).await;
    let told = "told().catch((error) => [error.name, error.message, error instanceof RangeError])";
    assert_eq!(context.eval(told).await.unwrap(), value!(["RangeError", "no such thing", true]));
    let told = "try { own() } catch (error) { [error.name, error.message, error instanceof Error] }";
    assert_eq!(context.eval(told).await.unwrap(), value!(["NoSuchTool", "said so", true]));
    let error = context.eval("own()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
    assert_eq!(error.downcast_ref::<ScriptError>(), Some(&ScriptError::new("NoSuchTool", "said so")));
}

#[tokio::test]
async fn an_error_that_is_not_caught_comes_back_whole() {
    let context = open(failing()).await;
    context.eval("async function f() { await tools.read() }").await.unwrap();
    let rethrown = "try { now() } catch (e) { throw e }";
    let all = "Promise.all([1, tools.read()])";
    for source in ["tools.read()", "await tools.read()", "now()", rethrown, "f()", all] {
        let error = context.eval(source).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::HostFunction, "{source}");
        let own = error.downcast_ref::<io::Error>().unwrap();
        assert!(["the password is 1234", "secret"].contains(&own.to_string().as_str()), "{own}");
        assert!(error.exception().unwrap().message.ends_with(" failed"));
        assert!(error.is_context_kept());
    }
    let other = context.eval("try { now() } catch (e) { throw new Error('mine', { cause: e }) }").await.unwrap_err();
    assert_eq!((other.kind(), other.to_string().as_str()), (ErrorKind::Thrown, "Error: mine"));
}

#[tokio::test]
async fn errors_that_are_kept_and_thrown_later_are_bounded() {
    let context = open(failing()).await;
    let source =
        "let kept = []; for (let i = 0; i < 5000; i++) try { now() } catch (e) { kept.push(e) }; throw kept[0]";
    let error = context.eval(source).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Thrown, "Error: now failed"));
    let error = context.eval("throw kept[4999]").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
}

#[tokio::test]
async fn a_function_that_panics_has_failed() {
    async fn breaks(yields: bool) -> Never<()> {
        if yields {
            tokio::task::yield_now().await;
        }
        panic!("of its own")
    }
    let functions = Functions::new()
        .function("at_once", |(): (), _| breaks(false))
        .function("later", |(): (), _| breaks(true))
        .function("before", |(): (), _| -> std::future::Ready<Never<()>> { panic!("of its own") })
        .sync_function("now", |(): (), _| -> Never<()> { panic!("of its own") });
    let context = open(functions).await;
    for name in ["at_once", "later", "before", "now"] {
        let error = context.eval(format!("{name}()")).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string()),
            (ErrorKind::HostFunction, format!("{name} panicked: of its own"))
        );
        let told = context.eval(format!("(async () => {name}())().catch(String)")).await.unwrap();
        assert_eq!(told, format!("Error: {name} failed").into());
    }
}

#[tokio::test]
async fn a_result_that_is_no_value_is_an_error() {
    struct Refuses;
    impl Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not me"))
        }
    }
    let context = open(Functions::new().sync_function("bad", |(): (), _| Never::Ok(Refuses))).await;
    let error = context.eval("bad()").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
    assert!(error.to_string().contains("not me"), "{error}");
}

#[test]
fn a_function_that_waits_needs_a_runtime() {
    let (functions, _) = gated();
    let functions = functions.function("ready", |(): (), _| async { Never::Ok("at once") });
    let context = SANDBOX.context().functions(functions).blocking().unwrap();
    assert_eq!(context.eval("ready()").blocking().unwrap(), "at once".into());
    let error = context.eval("gate(1)").blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
    assert!(error.to_string().contains("outside of a tokio runtime"), "{error}");
}

#[test]
fn the_end_of_the_runtime_is_an_error_of_what_it_ran() {
    let (functions, mut told) = endless();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let context = runtime.block_on(open(functions));
    let ticket = context.eval("wait()").queue();
    assert_eq!(told.blocking_recv(), Some("called"));
    runtime.shutdown_background();
    let error = ticket.blocking().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HostFunction);
    assert!(error.to_string().contains("its runtime has ended"), "{error}");
    assert_eq!(context.eval("1").blocking().unwrap(), 1.into());
}
