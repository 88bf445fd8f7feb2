//! The results of one run: as tables to read, as JSON, and as charts.

use std::{fmt, fs, path::Path};

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::{chart, table::Table};

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
    /// Writes `<name>.json`, `<name>.md` and the charts, `<name>.svg`, into a folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
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
