//! What was seen from the start of an upload to its end, tenth by tenth: is it flat?

use crate::{
    table::{Better, Table},
    workload::{Kind, Workload},
};

const TENTHS: u32 = 10;

/// How the page, its worker and its processes were at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sample {
    /// Seconds since the start, without those in which all was paused.
    pub(super) time: f64,
    /// Files or bytes that S3 has.
    pub(super) done: f64,
    /// Seconds that the main thread has spent in tasks, and its processor time.
    pub(super) busy: f64,
    pub(super) processor: f64,
    /// The longest task of the main thread since the sample before, in milliseconds; 0 if none took 50.
    pub(super) longest_task: f64,
    /// How long the worker took to answer a message, in milliseconds.
    pub(super) worker_answer: f64,
    /// Bytes: of the page's heap, of the worker's, of the worker's WebAssembly, of the tab's process and of the
    /// browser's.
    pub(super) page_heap: f64,
    pub(super) worker_heap: f64,
    pub(super) worker_wasm: f64,
    pub(super) tab: f64,
    pub(super) browser: f64,
}

/// The samples of one upload.
pub(super) struct Timeline {
    pub(super) samples: Vec<Sample>,
    /// Those while the manifest of the batch was written, when all files had ended.
    pub(super) manifest: Vec<Sample>,
    /// The files or bytes of all.
    pub(super) total: f64,
}

impl Timeline {
    /// A table for each figure, with a row for each tenth of the files or bytes.
    pub(super) fn tables(&self, workload: Workload) -> Vec<Table> {
        let (what, unit, scale) = match workload.kind {
            Kind::Small => ("a file", "ms", 1e3),
            Kind::Giant | Kind::Large => ("a GiB", "s", (1_u64 << 30) as f64),
        };
        let name = workload.name();
        let per = |figure: &str| Table::new(format!("{name}: {figure} {what}"), unit, Better::Less);
        let of = |figure: &str, unit| Table::new(format!("{name}: {figure}"), unit, Better::Less);
        vec![
            self.growth(per("time"), scale, |sample| sample.time),
            self.growth(per("main thread busy,"), scale, |sample| sample.busy),
            self.growth(per("processor time of the main thread,"), scale, |sample| {
                sample.processor
            }),
            self.levels(of("longest task of the main thread", "ms"), |sample| {
                sample.longest_task
            }),
            self.levels(of("time until the worker answers", "ms"), |sample| {
                sample.worker_answer
            }),
            self.levels(of("page's heap", "MB"), |sample| sample.page_heap / 1e6),
            self.levels(of("worker's heap", "MB"), |sample| sample.worker_heap / 1e6),
            self.levels(of("worker's WebAssembly", "MB"), |sample| {
                sample.worker_wasm / 1e6
            }),
            self.levels(of("tab's process", "MB"), |sample| sample.tab / 1e6),
            self.levels(of("browser's process", "MB"), |sample| sample.browser / 1e6),
        ]
    }

    /// How much a figure grew for each file or byte.
    fn growth(&self, mut table: Table, scale: f64, figure: impl Fn(&Sample) -> f64) -> Table {
        for tenth in 1..=TENTHS {
            let (from, to) = self.bounds(tenth);
            let grown = self.at(to, &figure) - self.at(from, &figure);
            table.add(&name_of(tenth), grown / (to - from) * scale);
        }
        table
    }

    /// What a figure was, in each tenth and while the manifest was written.
    fn levels(&self, mut table: Table, figure: impl Fn(&Sample) -> f64) -> Table {
        for tenth in 1..=TENTHS {
            let (from, to) = self.bounds(tenth);
            let is_inside = |sample: &&Sample| sample.done > from && sample.done <= to;
            for sample in self.samples.iter().filter(is_inside) {
                table.add(&name_of(tenth), figure(sample));
            }
        }
        for sample in &self.manifest {
            table.add("manifest", figure(sample));
        }
        table
    }

    fn bounds(&self, tenth: u32) -> (f64, f64) {
        let at = |tenth: u32| self.total * f64::from(tenth) / f64::from(TENTHS);
        (at(tenth - 1), at(tenth))
    }

    /// A figure at the moment when this much was done, between two samples in proportion.
    fn at(&self, done: f64, figure: impl Fn(&Sample) -> f64) -> f64 {
        let behind = self.samples.partition_point(|sample| sample.done < done);
        let Some(after) = self.samples.get(behind) else {
            return self.samples.last().map_or(f64::NAN, figure);
        };
        let Some(before) = behind.checked_sub(1).and_then(|index| self.samples.get(index)) else {
            return figure(after);
        };
        let share = (done - before.done) / (after.done - before.done);
        figure(before) + share * (figure(after) - figure(before))
    }
}

fn name_of(tenth: u32) -> String {
    format!("tenth {tenth}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(samples: &[(f64, f64)]) -> Timeline {
        let samples = samples.iter().map(|(time, done)| Sample {
            time: *time,
            done: *done,
            tab: done * 1e6,
            ..Sample::default()
        });
        Timeline {
            samples: samples.collect(),
            manifest: vec![Sample {
                tab: 2e6,
                ..Sample::default()
            }],
            total: 100.0,
        }
    }

    fn firsts(table: &Table) -> Vec<f64> {
        let rows = table.rows.iter();
        rows.map(|row| *row.samples.first().unwrap_or(&f64::NAN))
            .collect()
    }

    #[test]
    fn a_tenth_takes_the_time_between_its_ends() {
        // Half of the files take a second each, the other half two.
        let timeline = timeline(&[(0.0, 0.0), (25.0, 25.0), (50.0, 50.0), (150.0, 100.0)]);
        let table = timeline.growth(Table::new("time", "s", Better::Less), 1.0, |sample| sample.time);
        assert_eq!(firsts(&table), [1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
    }

    #[test]
    fn a_level_belongs_to_the_tenth_in_which_it_was_seen() {
        let timeline = timeline(&[(0.0, 0.0), (1.0, 5.0), (2.0, 10.0), (3.0, 95.0)]);
        let table = timeline.levels(Table::new("tab", "MB", Better::Less), |sample| sample.tab / 1e6);
        let rows: Vec<(&str, &[f64])> = table
            .rows
            .iter()
            .map(|row| (row.subject.as_str(), row.samples.as_slice()))
            .collect();
        assert_eq!(
            rows,
            [
                ("tenth 1", &[5.0, 10.0][..]),
                ("tenth 10", &[95.0][..]),
                ("manifest", &[2.0][..])
            ]
        );
    }
}
