//! The time zone of a context.

use std::sync::Arc;

use jiff::{Timestamp, tz};

use crate::error::{Error, ErrorKind};

/// A time zone of the database that is compiled in.
#[derive(Clone, Debug)]
pub(super) struct TimeZone(Arc<tz::TimeZone>);

impl TimeZone {
    /// # Errors
    ///
    /// There is no zone of this name.
    pub(super) fn named(name: &str) -> Result<TimeZone, Error> {
        let zone = tz::TimeZoneDatabase::bundled().get(name).map_err(|error| {
            let message = format!("there is no time zone {name:?}");
            Error::with_source(ErrorKind::InvalidArgument, message, error)
        })?;
        Ok(TimeZone(Arc::new(zone)))
    }

    /// By how many seconds local time is ahead of UTC, so many seconds since 1970. Beyond the years that the database tells of, as
    /// at their end.
    pub(super) fn offset(&self, seconds: i64) -> i32 {
        let seconds = seconds.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(seconds).map_or(0, |at| self.0.to_offset(at).seconds())
    }
}
