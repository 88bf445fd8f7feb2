//! What came of each step: counts of test cases.

use std::{fmt, process::Command, time::Duration};

use anyhow::Result;

use crate::{process, step::seconds, tools::Toolbox};

/// How many test cases of one step passed, failed and were skipped, and what the failed ones printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct StepResult {
    passed: usize,
    failed: usize,
    skipped: usize,
    /// How many of the passed ones failed beside others before, and passed alone.
    passed_alone: usize,
    failures: FailureReport,
}

impl StepResult {
    /// A check that passed as one.
    pub(super) fn passed_as_one() -> Self {
        Self {
            passed: 1,
            ..Self::default()
        }
    }

    /// A check that failed as one, or a step that did not run.
    pub(super) fn failed() -> Self {
        Self {
            failed: 1,
            ..Self::default()
        }
    }

    /// Adds the counts in a line of the test harness, such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`. Other lines
    /// have no counts. Tests that were filtered out are not counted.
    pub(super) fn add_line(&mut self, line: &str) {
        self.failures.add_line(line);
        for (number, what) in counts(line) {
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" => self.skipped += number,
                _ => (),
            }
        }
    }

    /// Adds the tests that were filtered out, by such a line, as skipped.
    pub(super) fn add_filtered_out(&mut self, line: &str) {
        let counts = counts(line).filter(|(_, what)| *what == "filtered out");
        self.skipped += counts.map(|(number, _)| number).sum::<usize>();
    }

    /// The names of the failed cases.
    pub(super) fn failed_names(&self) -> &[String] {
        &self.failures.names
    }

    /// The result once the failed cases have been run again, each alone. What they printed at first stays in the report.
    pub(super) fn after_second_try(mut self, second: &Self) -> Self {
        self.passed += second.passed;
        self.failed -= second.passed;
        self.passed_alone += second.passed;
        self
    }

    /// The result of a run that has ended. A run that failed without a failed case, because it did not compile or
    /// crashed, is a failure too; so is one that succeeded without running anything.
    pub(super) fn with_exit(mut self, success: bool) -> Self {
        let ran_nothing = self.passed + self.failed + self.skipped == 0;
        if self.failed == 0 && (!success || ran_nothing) {
            self.failed = 1;
        }
        self
    }
}

/// What a harness prints of its failed tests: the lines between `failures:` and its summary.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FailureReport {
    lines: Vec<String>,
    names: Vec<String>,
    is_open: bool,
}

impl FailureReport {
    /// More than this is in the output of the step itself.
    const MAX_LINES: usize = 80;

    fn add_line(&mut self, line: &str) {
        let failed = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"));
        self.names.extend(failed.map(str::to_owned));
        if line.trim_start().starts_with("test result: ") {
            self.is_open = false;
        } else if line.trim() == "failures:" {
            self.is_open = true;
        } else if self.is_open && !line.trim().is_empty() && self.lines.len() < Self::MAX_LINES {
            self.lines.push(line.to_owned());
        }
    }
}

/// Runs tests and counts them by the lines that their harnesses print: `add` adds one line to the result.
pub(super) fn count_tests(
    what: &str,
    toolbox: &Toolbox,
    command: &mut Command,
    add: fn(&mut StepResult, &str),
) -> Result<StepResult> {
    let mut result = StepResult::default();
    let status = process::run_reading_lines(what, command, toolbox.interrupt, |line| {
        println!("{line}");
        add(&mut result, line);
    })?;
    Ok(result.with_exit(status.success()))
}

/// The counts in a line of the test harness, each with what it counts.
fn counts(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let summary = line.trim_start().strip_prefix("test result: ");
    let counts = summary.unwrap_or_default().split([';', '.']);
    counts.filter_map(|count| {
        let (number, what) = count.trim().split_once(' ')?;
        Some((number.parse().ok()?, what))
    })
}

impl fmt::Display for StepResult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(formatter, ", {} skipped", self.skipped)?;
        }
        if self.passed_alone > 0 {
            write!(formatter, ", {} passed only alone", self.passed_alone)?;
        }
        Ok(())
    }
}

/// The results of all steps, displayed as a table whose last line is the sum. What failed tests printed stands above
/// it, so that whoever has only the end of a long output sees it.
#[derive(Default)]
pub(super) struct Tally(Vec<(String, StepResult, Duration)>);

impl Tally {
    pub(super) fn add(&mut self, step: String, result: StepResult, time: Duration) {
        self.0.push((step, result, time));
    }

    pub(super) fn passed(&self) -> bool {
        self.0.iter().all(|(_, result, _)| result.failed == 0)
    }

    /// The counts of all steps together.
    fn sum(&self) -> StepResult {
        let mut sum = StepResult::default();
        for (_, result, _) in &self.0 {
            sum.passed += result.passed;
            sum.failed += result.failed;
            sum.skipped += result.skipped;
            sum.passed_alone += result.passed_alone;
        }
        sum
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (step, result, _) in &self.0 {
            for line in &result.failures.lines {
                writeln!(formatter, "{step}: {line}")?;
            }
        }
        let width = self.0.iter().map(|(step, ..)| step.len()).max().unwrap_or(0);
        for (step, result, time) in &self.0 {
            writeln!(formatter, "{step:width$}  {:>12}  {result}", seconds(*time))?;
        }
        write!(formatter, "{}", self.sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(passed: usize, failed: usize, skipped: usize) -> StepResult {
        StepResult {
            passed,
            failed,
            skipped,
            ..StepResult::default()
        }
    }

    fn check(line: &str, expected: StepResult) {
        let mut counted = StepResult::default();
        counted.add_line(line);
        assert_eq!(counted, expected, "{line}");
    }

    #[test]
    fn a_harness_is_counted_by_its_summary_line() {
        check(
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 4 filtered out; finished in 1.23s",
            result(12, 0, 3),
        );
        check(
            "    test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 filtered out; finished in 0.01s",
            result(1, 2, 0),
        );
    }

    #[test]
    fn filtered_out_tests_can_be_counted_as_skipped() {
        let mut counted = StepResult::default();
        counted.add_filtered_out(
            "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 4 filtered out; finished in 9s",
        );
        assert_eq!(counted, result(0, 0, 4));
    }

    #[test]
    fn other_lines_have_no_counts() {
        check("", result(0, 0, 0));
        check("running 3 tests", result(0, 0, 0));
        check("they said: test result: ok. 5 passed; 0 failed", result(0, 0, 0));
    }

    #[test]
    fn a_failed_run_without_a_failed_case_is_one_failure() {
        assert_eq!(result(5, 0, 0).with_exit(false), result(5, 1, 0));
        assert_eq!(result(5, 2, 0).with_exit(false), result(5, 2, 0));
        assert_eq!(result(5, 0, 0).with_exit(true), result(5, 0, 0));
    }

    #[test]
    fn a_run_without_any_test_is_a_failure() {
        assert_eq!(result(0, 0, 0).with_exit(true), result(0, 1, 0));
    }

    #[test]
    fn the_last_line_of_the_table_is_the_sum() {
        let mut tally = Tally::default();
        tally.add(
            "format".to_owned(),
            StepResult::passed_as_one(),
            Duration::from_secs(1),
        );
        tally.add("native".to_owned(), result(40, 0, 2), Duration::from_secs(90));
        assert_eq!(
            tally.to_string(),
            "format         1.0 s  1 passed, 0 failed\n\
             native    1 min 30 s  40 passed, 0 failed, 2 skipped\n\
             41 passed, 0 failed, 2 skipped"
        );
        assert!(tally.passed());
        tally.add("browser".to_owned(), StepResult::failed(), Duration::ZERO);
        assert!(!tally.passed());
    }

    #[test]
    fn what_passes_only_alone_is_counted_and_stays_in_the_report() {
        let mut first = StepResult::default();
        first.add_line("test a::b ... FAILED");
        first.add_line("test a::c ... ok");
        first.add_line("failures:");
        first.add_line("it was late");
        first.add_line(
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1s",
        );
        assert_eq!(first.failed_names(), ["a::b"]);
        let mut tally = Tally::default();
        let second = first.after_second_try(&result(1, 0, 0));
        tally.add("flows".to_owned(), second, Duration::from_secs(1));
        assert!(tally.passed());
        assert_eq!(
            tally.to_string(),
            "flows: it was late\n\
             flows         1.0 s  2 passed, 0 failed, 1 passed only alone\n\
             2 passed, 0 failed, 1 passed only alone"
        );
    }

    #[test]
    fn what_failed_tests_printed_stands_above_the_table() {
        let mut failed = StepResult::default();
        for line in [
            "test a::b ... FAILED",
            "failures:",
            "",
            "---- a::b stdout ----",
            "assertion failed: the file is there",
            "failures:",
            "    a::b",
            "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.1s",
            "     Running tests/other.rs",
        ] {
            failed.add_line(line);
        }
        let mut tally = Tally::default();
        tally.add("native".to_owned(), failed, Duration::from_secs(1));
        assert_eq!(
            tally.to_string(),
            "native: ---- a::b stdout ----\n\
             native: assertion failed: the file is there\n\
             native:     a::b\n\
             native         1.0 s  0 passed, 1 failed\n\
             0 passed, 1 failed"
        );
    }
}
