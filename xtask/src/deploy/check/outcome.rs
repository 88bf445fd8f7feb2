//! What came of each check, and how it is printed.

use std::{
    fmt::{self, Display, Formatter},
    io::{self, Write},
};

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is as it should be.
    Right,
    /// It is not.
    Wrong { why: String },
    /// Nothing can be said of it here. That counts neither as right nor as wrong.
    NotHere { why: String },
}

impl Outcome {
    pub(super) fn wrong(why: impl Into<String>) -> Self {
        Self::Wrong { why: why.into() }
    }

    pub(super) fn not_here(why: impl Into<String>) -> Self {
        Self::NotHere { why: why.into() }
    }

    /// The outcome of a check that needs what an earlier one did not get.
    pub(super) fn without(missing: &str) -> Self {
        Self::not_here(format!("there is no {missing} to check it with"))
    }

    /// Right, unless something is the matter.
    pub(super) fn of_faults(faults: &[String]) -> Self {
        if faults.is_empty() {
            Self::Right
        } else {
            Self::wrong(faults.join("; "))
        }
    }

    /// The outcome where AWS is only imitated. What is wrong there because of a known limit of the imitation says
    /// nothing of the stack; what was seen stays in the reason.
    pub(super) fn with_limit(self, limit: &str) -> Self {
        match self {
            Self::Wrong { why } => Self::not_here(format!("{limit} ({why})")),
            other => other,
        }
    }
}

/// The outcomes of all checks. Displayed, they are a table whose last line has the counts.
#[derive(Default)]
pub(crate) struct Report(Vec<(&'static str, Outcome)>);

impl Report {
    /// Adds an outcome, and prints it.
    pub(super) fn add(&mut self, check: &'static str, outcome: Outcome) {
        print_line(line(check, &outcome));
        self.0.push((check, outcome));
    }

    /// Whether nothing is wrong.
    pub(super) fn found_nothing_wrong(&self) -> bool {
        self.count(|outcome| matches!(outcome, Outcome::Wrong { .. })) == 0
    }

    fn count(&self, is_meant: impl Fn(&Outcome) -> bool) -> usize {
        self.0.iter().filter(|(_, outcome)| is_meant(outcome)).count()
    }
}

/// Prints a line, if somebody reads it. `println!` would panic once the terminal or the program behind a pipe is gone, and
/// the stack has to be deleted then too.
pub(super) fn print_line(line: impl Display) {
    writeln!(io::stdout(), "{line}").ok();
}

fn line(check: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Right => format!("right     {check}"),
        Outcome::Wrong { why } => format!("WRONG     {check}: {why}"),
        Outcome::NotHere { why } => format!("not here  {check}: {why}"),
    }
}

impl Display for Report {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (check, outcome) in &self.0 {
            writeln!(formatter, "{}", line(check, outcome))?;
        }
        let right = self.count(|outcome| *outcome == Outcome::Right);
        let wrong = self.count(|outcome| matches!(outcome, Outcome::Wrong { .. }));
        let not_here = self.0.len() - right - wrong;
        write!(
            formatter,
            "{right} right, {wrong} wrong, {not_here} could not be checked here"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_the_counts() {
        let mut report = Report::default();
        report.add("PUT", Outcome::Right);
        report.add("link", Outcome::not_here("there are none yet"));
        assert!(report.found_nothing_wrong(), "what is not here is not wrong");
        report.add("CORS", Outcome::wrong("403"));
        assert!(!report.found_nothing_wrong());
        assert_eq!(
            report.to_string(),
            "right     PUT\n\
             not here  link: there are none yet\n\
             WRONG     CORS: 403\n\
             1 right, 1 wrong, 1 could not be checked here"
        );
    }

    #[test]
    fn only_what_is_wrong_is_excused_by_a_limit() {
        let limit = "it cannot do that";
        assert_eq!(Outcome::Right.with_limit(limit), Outcome::Right);
        assert_eq!(
            Outcome::wrong("it answers 200").with_limit(limit),
            Outcome::not_here("it cannot do that (it answers 200)")
        );
        assert_eq!(
            Outcome::not_here("later").with_limit(limit),
            Outcome::not_here("later")
        );
    }

    #[test]
    fn every_fault_is_named() {
        assert_eq!(Outcome::of_faults(&[]), Outcome::Right);
        let faults = ["no type".to_owned(), "no policy".to_owned()];
        assert_eq!(Outcome::of_faults(&faults), Outcome::wrong("no type; no policy"));
    }
}
