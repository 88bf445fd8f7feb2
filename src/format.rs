//! Sizes, speeds and times, as people read them.

use std::time::Duration;

/// A size in bytes with the decimal units that systems show beside files: `0 B`, `999 B`, `1.5 MB`.
pub fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1000.0;
    let mut unit = 0;
    // 999.95 and more would be written as 1000.0.
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let digits = if value < 99.95 { 1 } else { 0 };
    format!("{value:.digits$} {}", UNITS[unit])
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
