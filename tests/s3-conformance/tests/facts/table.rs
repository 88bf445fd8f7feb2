//! Rows, and how they are printed.

use std::{fmt, sync::Arc};

use anyhow::Result;
use s3_conformance::Service;

/// Asks a service for what a row is about, and says in a few words what it answered.
type Probe = dyn Fn(&Service) -> Result<String> + Send + Sync;

/// One fact.
#[derive(Clone)]
pub(crate) struct Fact {
    /// What is asked.
    pub(crate) row: String,
    /// What Amazon S3 answers.
    pub(crate) amazon: &'static str,
    /// Asks it.
    pub(crate) probe: Arc<Probe>,
    /// How the local S3 differs.
    pub(crate) local: Option<Difference>,
    /// How Swift differs.
    pub(crate) swift: Option<Difference>,
}

/// A known difference.
#[derive(Clone, Copy)]
pub(crate) struct Difference {
    /// What the service answers: always this, or one of these if it depends on chance.
    pub(crate) answers: &'static [&'static str],
    /// Why it does not matter, or what follows from it.
    pub(crate) reason: &'static str,
}

impl Fact {
    pub(crate) fn new(
        row: impl Into<String>,
        amazon: &'static str,
        probe: impl Fn(&Service) -> Result<String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            row: row.into(),
            amazon,
            probe: Arc::new(probe),
            local: None,
            swift: None,
        }
    }

    pub(crate) fn local_differs(mut self, answers: &'static [&'static str], reason: &'static str) -> Self {
        self.local = Some(Difference { answers, reason });
        self
    }

    pub(crate) fn swift_differs(mut self, answers: &'static [&'static str], reason: &'static str) -> Self {
        self.swift = Some(Difference { answers, reason });
        self
    }
}

/// A row with what a service answered.
pub(crate) struct Line<'a> {
    pub(crate) fact: &'a Fact,
    pub(crate) difference: Option<Difference>,
    pub(crate) answer: String,
}

impl Line<'_> {
    /// Whether the answer is the one that the table has.
    pub(crate) fn is_as_listed(&self) -> bool {
        match self.difference {
            None => self.answer == self.fact.amazon,
            Some(difference) => difference.answers.contains(&self.answer.as_str()),
        }
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match (self.is_as_listed(), self.difference) {
            (true, None) => "same     ",
            (true, Some(_)) => "different",
            (false, _) => "WRONG    ",
        };
        write!(formatter, "{mark}  {:66}  {}", self.fact.row, self.answer)?;
        if self.difference.is_some() || !self.is_as_listed() {
            write!(formatter, "\n{:11}  Amazon S3: {}", "", self.fact.amazon)?;
        }
        if let Some(Difference { answers, reason }) = self.difference {
            let answers = answers.join(" or ");
            write!(formatter, "\n{:11}  listed: {answers}, because {reason}", "")?;
        }
        Ok(())
    }
}
