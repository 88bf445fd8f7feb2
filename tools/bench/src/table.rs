//! One figure of everything that was compared, as a table to read.

use std::fmt;

use serde::Serialize;

use crate::statistics::{Spread, figure};

/// Which of two figures is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Better {
    More,
    Less,
}

/// One figure of everything that was compared.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    /// What was measured.
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// The others are compared with the first.
    pub(crate) rows: Vec<Row>,
}

/// The measurements of one subject.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) subject: String,
    /// One for each round.
    pub(crate) samples: Vec<f64>,
    /// Why there are fewer samples than rounds.
    pub(crate) failures: Vec<String>,
}

impl Better {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::More => "more is better",
            Self::Less => "less is better",
        }
    }
}

impl Table {
    pub(crate) fn new(name: impl Into<String>, unit: &'static str, better: Better) -> Self {
        Self {
            name: name.into(),
            unit,
            better,
            rows: Vec::new(),
        }
    }

    /// Adds a measurement.
    pub(crate) fn add(&mut self, subject: &str, sample: f64) {
        self.row(subject).samples.push(sample);
    }

    /// Counts one more of a subject.
    pub(crate) fn count(&mut self, subject: &str) {
        let samples = &mut self.row(subject).samples;
        samples.resize(1, 0.0);
        samples[0] += 1.0;
    }

    /// Adds a measurement that failed.
    pub(crate) fn add_failure(&mut self, subject: &str, reason: String) {
        self.row(subject).failures.push(reason);
    }

    fn row(&mut self, subject: &str) -> &mut Row {
        let found = self.rows.iter().position(|row| row.subject == subject);
        let index = found.unwrap_or_else(|| {
            self.rows.push(Row {
                subject: subject.to_owned(),
                samples: Vec::new(),
                failures: Vec::new(),
            });
            self.rows.len() - 1
        });
        &mut self.rows[index]
    }

    /// Puts the rows in the order of these subjects.
    pub(crate) fn order(&mut self, subjects: &[&str]) {
        let place = |row: &Row| subjects.iter().position(|subject| *subject == row.subject);
        self.rows.sort_by_key(place);
    }

    /// How many times as good the first row is as this one.
    fn ratio(&self, row: &Row) -> Option<f64> {
        let first = Spread::of(&self.rows.first()?.samples)?.median;
        let other = Spread::of(&row.samples)?.median;
        let ratio = match self.better {
            Better::More => first / other,
            Better::Less => other / first,
        };
        ratio.is_finite().then_some(ratio)
    }
}

impl fmt::Display for Table {
    /// In Markdown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let better = self.better.name();
        let first = self.rows.first().map_or("", |row| row.subject.as_str());
        writeln!(formatter, "**{}**, {}; {better}\n", self.name, self.unit)?;
        writeln!(
            formatter,
            "| | median (least–most) | {first} is this many times as good |"
        )?;
        writeln!(formatter, "|---|---|---|")?;
        for row in &self.rows {
            let spread = Spread::of(&row.samples).map_or_else(|| "–".to_owned(), |spread| spread.to_string());
            let ratio = self.ratio(row).map(figure).unwrap_or_default();
            let failures = match row.failures.last() {
                Some(reason) => format!("; {} failed: {reason}", row.failures.len()),
                None => String::new(),
            };
            writeln!(formatter, "| {} | {spread}{failures} | {ratio} |", row.subject)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(better: Better) -> Table {
        let mut table = Table::new("one large file", "MB/s", better);
        for (subject, sample) in [
            ("ours", 200.0),
            ("theirs", 50.0),
            ("ours", 100.0),
            ("ours", 300.0),
        ] {
            table.add(subject, sample);
        }
        table
    }

    #[test]
    fn the_ratio_is_how_many_times_as_good_the_first_is() {
        let more = table(Better::More);
        assert_eq!(more.ratio(&more.rows[1]), Some(4.0));
        let less = table(Better::Less);
        assert_eq!(less.ratio(&less.rows[1]), Some(0.25));
    }

    #[test]
    fn a_failed_measurement_is_reported() {
        let mut table = table(Better::More);
        table.add_failure("broken", "3 of 4 files after 60 s".to_owned());
        let text = table.to_string();
        assert!(text.contains("| ours | 200 (100–300) | 1.00 |"), "{text}");
        assert!(
            text.contains("| broken | –; 1 failed: 3 of 4 files after 60 s |  |"),
            "{text}"
        );
    }
}
