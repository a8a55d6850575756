//! What the engine may ask of the world.

use crate::{functions::Answer, modules::ModuleText};

/// The world as the engine sees it: the WIT interfaces `ambient`, `modules` and `host-functions`.
pub trait Host: 'static {
    /// 64 random bits.
    fn random(&self) -> u64;

    /// A console message, formatted, without a newline at its end, and the encoded arguments where they are wanted.
    fn log(&self, level: LogLevel, message: &str, arguments: &[Vec<u8>]);

    /// Whether the running call is to stop.
    fn interrupted(&self) -> bool;

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
    /// Why there is none, in words for the script.
    fn load(&self, name: &str) -> Result<ModuleText, String>;

    /// Calls a function of the host, with the encoded list of its arguments.
    fn start(&self, function: u32, arguments: &[u8]) -> Answer;
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
