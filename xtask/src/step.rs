//! Printing what a task is doing, and how long it took.

use std::time::{Duration, Instant};

use anyhow::Result;

/// Does one step of a task; its name is printed before, its time after.
pub(crate) fn step<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    println!("==> {what}");
    let start = Instant::now();
    let result = work();
    let outcome = if result.is_ok() { "done" } else { "failed" };
    println!("    {what}: {outcome} in {}", seconds(start.elapsed()));
    result
}

/// A time in seconds with one decimal, such as `12.3 s`, or in minutes and seconds.
pub(crate) fn seconds(time: Duration) -> String {
    let tenths = time.as_millis() / 100;
    let (minutes, rest) = (tenths / 600, tenths % 600);
    if minutes == 0 {
        format!("{}.{} s", rest / 10, rest % 10)
    } else {
        format!("{minutes} min {} s", rest / 10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(milliseconds: u64, expected: &str) {
        assert_eq!(seconds(Duration::from_millis(milliseconds)), expected);
    }

    #[test]
    fn times_are_written_for_people() {
        check(0, "0.0 s");
        check(1_250, "1.2 s");
        check(59_999, "59.9 s");
        check(60_000, "1 min 0 s");
        check(754_321, "12 min 34 s");
    }
}
