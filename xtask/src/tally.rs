//! Counting test cases.

use std::{fmt, time::Duration};

use crate::step::seconds;

/// How many test cases of one step passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Verdict {
    /// A check that passed as one.
    pub(crate) fn one_passed() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    /// A check that failed as one, or a step that could not run.
    pub(crate) fn failed() -> Self {
        Self {
            failed: 1,
            ..Self::default()
        }
    }

    /// Adds what a harness reports in a line such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`.
    /// Any other line adds nothing, and so does what a filter leaves out.
    pub(crate) fn add_line(&mut self, line: &str) {
        for (number, what) in counts(line) {
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => (),
            }
        }
    }

    /// Adds what a filter has left out by such a line, as skipped.
    pub(crate) fn add_left_out(&mut self, line: &str) {
        let counts = counts(line).filter(|(_, what)| *what == "filtered out");
        self.skipped += counts.map(|(number, _)| number).sum::<usize>();
    }

    /// The verdict of a run that ended so. One that failed without a failed case, by not compiling or
    /// by crashing, is a failure too; so is one that succeeded without running anything.
    pub(crate) fn with_exit(mut self, success: bool) -> Self {
        let ran_nothing = self == Self::default();
        if self.failed == 0 && (!success || ran_nothing) {
            self.failed = 1;
        }
        self
    }

    fn plus(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

/// The numbers in a line in which a harness reports, and what each is of.
fn counts(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let result = line.trim_start().strip_prefix("test result: ");
    let counts = result.unwrap_or_default().split([';', '.']);
    counts.filter_map(|count| {
        let (number, what) = count.trim().split_once(' ')?;
        Some((number.parse().ok()?, what))
    })
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

/// The verdicts of all steps; shown as a table whose last line is the sum.
#[derive(Default)]
pub(crate) struct Tally(Vec<(String, Verdict, Duration)>);

impl Tally {
    /// Adds a step's verdict and time.
    pub(crate) fn add(&mut self, step: String, verdict: Verdict, time: Duration) {
        self.0.push((step, verdict, time));
    }

    /// Whether nothing failed.
    pub(crate) fn passed(&self) -> bool {
        self.sum().failed == 0
    }

    fn sum(&self) -> Verdict {
        self.0
            .iter()
            .fold(Verdict::default(), |sum, (_, verdict, _)| sum.plus(*verdict))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.0.iter().map(|(step, ..)| step.len()).max().unwrap_or(0);
        for (step, verdict, time) in &self.0 {
            writeln!(formatter, "{step:width$}  {:>12}  {verdict}", seconds(*time))?;
        }
        write!(formatter, "{}", self.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(passed: usize, failed: usize, skipped: usize) -> Verdict {
        Verdict {
            passed,
            failed,
            skipped,
        }
    }

    fn check(line: &str, expected: Verdict) {
        let mut counted = Verdict::default();
        counted.add_line(line);
        assert_eq!(counted, expected, "{line}");
    }

    #[test]
    fn a_harness_is_counted_by_its_result_line() {
        check(
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 4 filtered out; finished in 1.23s",
            verdict(12, 0, 3),
        );
        check(
            "    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 filtered out; finished in 0.01s",
            verdict(1, 2, 0),
        );
    }

    #[test]
    fn what_is_left_out_is_skipped_where_that_is_asked_for() {
        let mut counted = Verdict::default();
        counted.add_left_out(
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 4 filtered out; finished in 9s",
        );
        assert_eq!(counted, verdict(0, 0, 4));
    }

    #[test]
    fn other_lines_count_nothing() {
        check("", verdict(0, 0, 0));
        check("running 3 tests", verdict(0, 0, 0));
        check("they said: test result: ok. 5 passed; 0 failed", verdict(0, 0, 0));
    }

    #[test]
    fn a_run_that_fails_without_a_failed_case_counts_as_one_failure() {
        assert_eq!(verdict(5, 0, 0).with_exit(false), verdict(5, 1, 0));
        assert_eq!(verdict(5, 2, 0).with_exit(false), verdict(5, 2, 0));
        assert_eq!(verdict(5, 0, 0).with_exit(true), verdict(5, 0, 0));
    }

    #[test]
    fn a_run_without_any_test_is_a_failure() {
        assert_eq!(verdict(0, 0, 0).with_exit(true), verdict(0, 1, 0));
    }

    #[test]
    fn the_last_line_of_the_table_is_the_sum() {
        let mut tally = Tally::default();
        tally.add("format".to_owned(), Verdict::one_passed(), Duration::from_secs(1));
        tally.add("native".to_owned(), verdict(40, 0, 2), Duration::from_secs(90));
        assert_eq!(
            tally.to_string(),
            "format         1.0 s  1 passed, 0 failed\n\
             native    1 min 30 s  40 passed, 0 failed, 2 skipped\n\
             41 passed, 0 failed, 2 skipped"
        );
        assert!(tally.passed());
        tally.add("browser".to_owned(), Verdict::failed(), Duration::ZERO);
        assert!(!tally.passed());
    }
}
