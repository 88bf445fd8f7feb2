//! Sizes, speeds and times, as people read them.

use std::time::Duration;

/// A size in bytes with the decimal units that systems show beside files: `0 B`, `999 B`, `1.5 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Whole numbers, since formatting floating-point ones would cost the page some kilobytes of code.
    let mut tenths = round_div(u128::from(bytes) * 10, 1000);
    let mut divisor = 1000;
    let mut unit = 0;
    // 999.95 and more would be written as 1000.0.
    while tenths >= 10_000 && unit + 1 < UNITS.len() {
        divisor *= 1000;
        tenths = round_div(u128::from(bytes) * 10, divisor);
        unit += 1;
    }
    let unit = UNITS[unit];
    if tenths < 1000 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", round_div(u128::from(bytes), divisor))
    }
}

const fn round_div(value: u128, divisor: u128) -> u128 {
    (value + divisor / 2) / divisor
}

/// How much of the whole is done, in whole percent. 100 only when all of it is.
pub const fn percent(done: u64, whole: u64) -> u64 {
    if done >= whole {
        100
    } else {
        (done as u128 * 100 / whole as u128) as u64
    }
}

/// A time that is left, no more exact than an estimate can be: `5 s`, `1 min 20 s`, `2 h 5 min`.
pub fn time_left(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..600 => format!("{} min {} s", seconds / 60, seconds % 60 / 10 * 10),
        600..3600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}
