//! Sizes, speeds and times, as people read them.

use crate::i18n::{Number, Text, number, t_with};

/// A size in bytes with the decimal units that systems show beside files: `0 bytes`, `1.5 MB`, `105 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte", "petabyte"];
    let mut value = bytes as f64;
    let mut unit = 0;
    // 999.5 and more would be written as 1000 of the smaller unit.
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    // One digit after the point where it says something: 9.5 and 99.9, but 105.
    let digits = u8::from(unit > 0 && value < 99.95);
    number(Number::Unit(UNITS[unit], digits), value)
}

/// A speed, given in bytes per second: `1.5 MB/s`.
pub(crate) fn speed(bytes_per_second: u64) -> String {
    t_with(Text::Speed, &[("size", &size(bytes_per_second))])
}

/// How much of the whole is done, in whole percent. 100 only when all of it is.
pub fn percent(done: u64, whole: u64) -> u64 {
    if done >= whole {
        100
    } else {
        // Rounding could make a hundred of a little less.
        ((done as f64 / whole as f64 * 100.0) as u64).min(99)
    }
}

/// Whole percent, as people read them.
pub(crate) fn percent_text(percent: u64) -> String {
    number(Number::Percent, percent as f64 / 100.0)
}

/// A time that is left, in seconds, no more exact than an estimate can be: `5 sec`, `1 min 20 sec`,
/// `2 hr 5 min`.
pub fn time(seconds: u64) -> String {
    let unit = |unit, value: u64| number(Number::Unit(unit, 0), value as f64);
    match seconds {
        0..60 => unit("second", seconds),
        60..600 => [
            unit("minute", seconds / 60),
            unit("second", seconds % 60 / 10 * 10),
        ]
        .join(" "),
        600..3600 => unit("minute", seconds / 60),
        _ => [unit("hour", seconds / 3600), unit("minute", seconds % 3600 / 60)].join(" "),
    }
}

/// A time that is left, in seconds, in a sentence of its own.
pub fn time_left(seconds: u64) -> String {
    // As long as something is left, so is some time.
    t_with(Text::TimeLeft, &[("time", &time(seconds.max(1)))])
}
