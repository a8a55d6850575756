//! A result as the engine gave it, and the memory that it takes.

use crate::{
    component::{Charge, Data, Refused},
    error::{Error, ErrorKind},
    js::{
        bindings::Failure,
        evaluation::{Ended, Evaluation},
        script::Ambient,
        value::Value,
        wire::{self, Unread},
    },
};

/// A hole as a result: the end of an iteration.
const NOTHING: &[u8] = b"\xd8\x1f\xf7";

/// What the engine gave in the call that is still to be ended, and the memory that it takes. To decode it is a part of the call, which
/// may be told to stop in it as well.
pub(super) fn decode(data: &Data<Ambient>, evaluation: &Evaluation, value: &[u8]) -> Result<Ended, Failure> {
    evaluation.left(value.len());
    if value == NOTHING {
        return Ok(Ok((Value::Hole, Charge::default())));
    }
    if let Some(handle) = data.host.calls.home().decode(value) {
        return Ok(handle.map(|handle| (Value::Handle(handle), Charge::default())));
    }
    let too_large = |refused: Refused| {
        let message = format!("the result takes more than is left of {refused}; the context was kept");
        Error::new(ErrorKind::MemoryLimit, message)
    };
    let memory = evaluation.limits().memory;
    let (left, scarce) = data.ledger().left(memory);
    match wire::decode_with(value, &data.host.objects, left, &|| data.heed().is_none()) {
        Ok((value, bytes)) => Ok(data.ledger().charge(bytes, memory).map(|charge| (value, charge)).map_err(too_large)),
        Err(Unread::TooLarge) => Ok(Err(too_large(scarce))),
        Err(Unread::Malformed(reason)) => Ok(Err(malformed(&reason))),
        Err(Unread::Stopped) => Err(Failure::Interrupted(false)),
    }
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::Engine, format!("the engine's result is malformed: {reason}"))
}

#[cfg(all(test, feature = "compiler"))]
mod tests {
    use std::{hint, rc::Rc, time::Duration};

    use super::*;
    use crate::{Context, Sandbox, component::Limits, js::bindings::Outcome};

    /// What becomes of a result that leaves the engine when the time of its call is over.
    fn leaves_late(context: &Context, value: &Value) -> Result<Value, Error> {
        let encoded = wire::encode(value, "value").expect("it has no references").bytes;
        let limits = Limits { wall_time: Duration::from_millis(10), ..Limits::default() };
        let call = context.limited(limits).evaluation(Ok, move |engine, running, terms| {
            let evaluation = engine.begin(running, terms);
            engine.run(Rc::clone(&evaluation), |_, _| {
                while !evaluation.is_over() {
                    hint::spin_loop();
                }
                Ok(Ok(Outcome::Done(encoded)))
            })
        });
        call.blocking()
    }

    #[test]
    fn a_long_result_that_is_late_is_given_up_as_it_is_read_and_its_context_is_kept() {
        let context = Sandbox::new().unwrap().context().blocking().unwrap();
        context.eval("globalThis.kept = 1").blocking().unwrap();
        for _ in 0..3 {
            let error = leaves_late(&context, &Value::Array(vec![1.into(); 100_000])).map(drop).unwrap_err();
            assert_eq!((error.kind(), error.is_context_kept()), (ErrorKind::Timeout, true), "{error}");
            // It takes no time to read.
            assert_eq!(leaves_late(&context, &2.into()).unwrap(), 2.into());
            assert_eq!(context.eval("kept").blocking().unwrap(), 1.into());
        }
    }
}
