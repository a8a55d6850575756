//! Dates.

/// A JavaScript `Date`: milliseconds since 1970-01-01T00:00Z, or invalid.
#[derive(Clone, Copy, Debug)]
pub struct Date(f64);

/// Farthest from 1970 that a `Date` reaches, in milliseconds (ECMAScript, "Time Values and Time Range").
const MAX_TIME: f64 = 8.64e15;

const DAY: i64 = 86_400_000;

impl Date {
    /// The date at these milliseconds since 1970; beyond 8.64e15 either way, or NaN: the invalid date.
    pub fn from_millis(millis: f64) -> Date {
        Date(if millis.abs() <= MAX_TIME { millis.trunc() + 0.0 } else { f64::NAN })
    }

    /// Milliseconds since 1970; `None` for the invalid date.
    pub fn millis(self) -> Option<i64> {
        (!self.0.is_nan()).then_some(self.0 as i64)
    }

    /// The form of `Date.prototype.toISOString`; `None` for the invalid date.
    pub fn to_iso(self) -> Option<String> {
        let millis = self.millis()?;
        let (year, month, day) = civil(millis.div_euclid(DAY));
        let time = millis.rem_euclid(DAY);
        let (hour, minute, second, milli) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60, time % 1000);
        let year = match year {
            0..=9999 => format!("{year:04}"),
            _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
        };
        Some(format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z"))
    }
}

/// Two invalid dates are equal.
impl PartialEq for Date {
    fn eq(&self, other: &Date) -> bool {
        self.0 == other.0 || self.0.is_nan() && other.0.is_nan()
    }
}

/// Year, month and day of a day counted from 1970-01-01, in the Gregorian calendar: `civil_from_days` of Howard
/// Hinnant's "chrono-Compatible Low-Level Date Algorithms".
#[expect(clippy::arithmetic_side_effects, reason = "a date is 100 000 000 days from 1970 at most")]
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
