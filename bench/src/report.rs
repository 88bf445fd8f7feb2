//! What was measured: as tables to read, as JSON, and as charts.

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{
    chart,
    statistics::{Spread, figure},
};

/// Which of two figures is the better one.
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
    /// The first is the one that the others are compared with.
    pub(crate) rows: Vec<Row>,
}

/// The measurements of one of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) subject: String,
    /// One for each round.
    pub(crate) samples: Vec<f64>,
    /// Why there are fewer than rounds.
    pub(crate) failures: Vec<String>,
}

impl Table {
    /// An empty table.
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

    /// Adds a measurement that came to nothing.
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
        let better = match self.better {
            Better::More => "more is better",
            Better::Less => "less is better",
        };
        let first = self.rows.first().map_or("", |row| row.subject.as_str());
        writeln!(formatter, "**{}**, {}; {better}\n", self.name, self.unit)?;
        writeln!(
            formatter,
            "| | median (least–most) | {first} is so many times as good |"
        )?;
        writeln!(formatter, "|---|---|---|")?;
        for row in &self.rows {
            let spread = Spread::of(&row.samples).map_or_else(|| "–".to_owned(), |spread| spread.to_string());
            let ratio = self.ratio(row).map(figure).unwrap_or_default();
            let failures = match row.failures.last() {
                Some(reason) => format!("; {} without an end: {reason}", row.failures.len()),
                None => String::new(),
            };
            writeln!(formatter, "| {} | {spread}{failures} | {ratio} |", row.subject)?;
        }
        Ok(())
    }
}

/// Everything that one run measured.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The name of its files.
    pub(crate) name: &'static str,
    /// What ran, by name and version.
    pub(crate) versions: Vec<(String, String)>,
    /// How it was measured.
    pub(crate) method: Vec<String>,
    pub(crate) tables: Vec<Table>,
}

impl Report {
    /// Writes `<name>.json`, `<name>.md` and a chart of each table that has one into a folder.
    ///
    /// # Errors
    /// Where the folder cannot be written.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let write = |name: String, text: String| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
        };
        write(
            format!("{}.json", self.name),
            serde_json::to_string_pretty(self)? + "\n",
        )?;
        write(format!("{}.md", self.name), self.to_string())?;
        write(format!("{}.svg", self.name), chart::svg(&self.tables))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<String> = self
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        writeln!(formatter, "{}.", versions.join(", "))?;
        for line in &self.method {
            writeln!(formatter, "{line}")?;
        }
        for table in &self.tables {
            writeln!(formatter, "\n{table}")?;
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
    fn a_ratio_says_how_many_times_as_good_the_first_is() {
        let more = table(Better::More);
        assert_eq!(more.ratio(&more.rows[1]), Some(4.0));
        let less = table(Better::Less);
        assert_eq!(less.ratio(&less.rows[1]), Some(0.25));
    }

    #[test]
    fn a_measurement_that_came_to_nothing_is_told() {
        let mut table = table(Better::More);
        table.add_failure("broken", "3 of 4 files after 60 s".to_owned());
        let text = table.to_string();
        assert!(text.contains("| ours | 200 (100–300) | 1.00 |"), "{text}");
        assert!(
            text.contains("| broken | –; 1 without an end: 3 of 4 files after 60 s |  |"),
            "{text}"
        );
    }
}
