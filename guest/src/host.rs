//! What the engine may ask of the world.

/// The world as the engine sees it: the WIT interface `ambient`.
pub trait Host: 'static {
    /// 64 random bits.
    fn random(&self) -> u64;

    /// A console message, formatted, without a newline at its end.
    fn log(&self, level: LogLevel, message: &str);

    /// Whether the running call is to stop.
    fn interrupted(&self) -> bool;
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
