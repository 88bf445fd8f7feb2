//! The figures of both programs side by side.

use std::{fmt, time::Duration};

use crate::measure::Round;

/// What was measured of both programs.
pub(crate) struct Report {
    pub(crate) lambda: Vec<Round>,
    pub(crate) node: Vec<Round>,
    pub(crate) lambda_package_bytes: u64,
    pub(crate) node_package_bytes: u64,
}

/// One line of the table, as median, least and most of the rounds.
struct Line {
    name: &'static str,
    unit: &'static str,
    lambda: Spread,
    node: Spread,
    /// How many times as good the Lambda is.
    ratio: f64,
}

#[derive(Clone, Copy)]
struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        Self {
            median: at(values.len().saturating_sub(1) / 2),
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.median < 10.0 {
            2
        } else if self.median < 1000.0 {
            1
        } else {
            0
        };
        let Self { median, least, most } = self;
        if least == most {
            write!(formatter, "{median:.digits$}")
        } else {
            write!(formatter, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
        }
    }
}

impl Report {
    /// A line of which the smaller figure is the better.
    fn smaller(&self, name: &'static str, unit: &'static str, figure: impl Fn(&Round) -> f64) -> Line {
        let lambda = Spread::of(self.lambda.iter().map(&figure));
        let node = Spread::of(self.node.iter().map(&figure));
        Line {
            name,
            unit,
            ratio: node.median / lambda.median,
            lambda,
            node,
        }
    }

    fn lines(&self) -> Vec<Line> {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
        let throughput = self.smaller("events per CPU second", "", |round| round.events_per_cpu_second);
        let kilobytes = |bytes: u64| Spread::of([bytes as f64 / 1e3].into_iter());
        vec![
            self.smaller("start until the first event is asked for", "ms", |round| {
                milliseconds(round.init)
            }),
            self.smaller("first answer", "ms", |round| milliseconds(round.first_answer)),
            self.smaller("start and first answer", "ms", |round| {
                milliseconds(round.init + round.first_answer)
            }),
            self.smaller("warm answer, median", "ms", |round| milliseconds(round.median)),
            self.smaller("warm answer, 99th percentile", "ms", |round| {
                milliseconds(round.percentile_99)
            }),
            Line {
                ratio: 1.0 / throughput.ratio,
                ..throughput
            },
            self.smaller("peak memory", "MB", |round| round.peak_memory_bytes as f64 / 1e6),
            Line {
                name: "package",
                unit: "kB",
                lambda: kilobytes(self.lambda_package_bytes),
                node: kilobytes(self.node_package_bytes),
                ratio: self.node_package_bytes as f64 / self.lambda_package_bytes as f64,
            },
        ]
    }
}

impl fmt::Display for Report {
    /// A table in Markdown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "| figure | Slipway | Node.js | ratio |")?;
        write!(formatter, "|---|---|---|---|")?;
        for line in self.lines() {
            let unit = if line.unit.is_empty() {
                String::new()
            } else {
                format!(", {}", line.unit)
            };
            write!(
                formatter,
                "\n| {}{unit} | {} | {} | {:.1} |",
                line.name, line.lambda, line.node, line.ratio
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(factor: u32) -> Round {
        let time = Duration::from_millis(factor.into());
        Round {
            init: time,
            first_answer: time,
            median: time,
            percentile_99: time,
            events_per_cpu_second: 1000.0 / f64::from(factor),
            peak_memory_bytes: u64::from(factor) * 1_000_000,
        }
    }

    #[test]
    fn a_ratio_says_how_many_times_as_good_the_lambda_is() {
        let report = Report {
            lambda: vec![round(1), round(2), round(3)],
            node: vec![round(10), round(20), round(30)],
            lambda_package_bytes: 1000,
            node_package_bytes: 10_000,
        };
        for line in report.lines() {
            assert!((line.ratio - 10.0).abs() < 1e-9, "{}: {}", line.name, line.ratio);
        }
    }

    #[test]
    fn the_table_has_medians_and_their_spread() {
        let report = Report {
            lambda: vec![round(1), round(2), round(3)],
            node: vec![round(10), round(20), round(30)],
            lambda_package_bytes: 1000,
            node_package_bytes: 10_000,
        };
        let text = report.to_string();
        assert!(
            text.contains("| first answer, ms | 2.00 (1.00–3.00) | 20.0 (10.0–30.0) | 10.0 |"),
            "{text}"
        );
        assert!(text.contains("| package, kB | 1.00 | 10.0 | 10.0 |"), "{text}");
    }
}
