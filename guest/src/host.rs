//! What the engine may ask of the world.

use crate::{
    functions::{Answer, HostError},
    modules::{ModuleText, Refusal},
    objects::HostClass,
};

/// The world as the engine sees it: the WIT interfaces `ambient`, `timers`, `modules`, `host-functions` and
/// `host-objects`.
pub trait Host: 'static {
    /// Microseconds since the engine was made.
    fn elapsed(&self) -> f64;

    /// Sets a timer: its number.
    ///
    /// # Errors
    ///
    /// The evaluation has as many as it may.
    fn start_timer(&self, millis: u32, repeats: bool) -> Result<u64, HostError>;

    /// Clears a timer.
    fn cancel_timer(&self, timer: u64);

    /// 64 random bits.
    fn random(&self) -> u64;

    /// A console message, formatted, without a newline at its end, and the encoded arguments where they are wanted.
    fn log(&self, level: LogLevel, message: &str, arguments: &[Vec<u8>]);

    /// How many calls and back-jumps the engine may make before it asks again. 0: the running call is to stop.
    fn patience(&self) -> u32;

    /// The name of the module that the specifier means to the module of the name `base`.
    ///
    /// # Errors
    ///
    /// Why there is none, in words for the script.
    fn normalize(&self, base: &str, specifier: &str) -> Result<String, String>;

    /// The module of this name.
    ///
    /// # Errors
    ///
    /// Why it is not loaded.
    fn load(&self, name: &str) -> Result<ModuleText, Refusal>;

    /// Calls a function of the host, with the encoded list of its arguments.
    fn start(&self, function: u32, arguments: &[u8]) -> Answer;

    /// Scripts get the object of this number, which came within a value: the number of its class.
    ///
    /// # Errors
    ///
    /// Scripts hold as many as they may.
    fn adopt(&self, object: u64) -> Result<u32, HostError>;

    /// The class of this number, which [`adopt`](Host::adopt) gave.
    fn describe(&self, class: u32) -> HostClass;

    /// Calls a member of an object, with the encoded list of its arguments.
    fn invoke(&self, object: u64, member: u32, arguments: &[u8]) -> Answer;

    /// Scripts hold these no more. An object that was adopted twice is named twice.
    fn release(&self, objects: &[u64]);
}

/// How bad a console message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogLevel {
    /// `console.trace`
    Trace,
    /// `console.debug`
    Debug,
    /// `console.log` and `console.info`
    Info,
    /// `console.warn`
    Warn,
    /// `console.error`
    Error,
}
