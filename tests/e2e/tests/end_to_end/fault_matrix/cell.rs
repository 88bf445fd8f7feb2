//! One fault at one phase: a file meets it, and its upload has to end as expected.

use std::fmt::{self, Display};

use anyhow::{Context, Result, ensure};
use e2e::{Fault, FaultyScenario, Page, Phase, Row, SourceFile, met, wait_until};

use super::expected::{Course, FaultKind};

/// Sent as one PutObject.
const SMALL: usize = 3 << 20;

/// Sent in two parts of 8 MiB and one of 1 MiB.
const LARGE: usize = 17 << 20;

const PARTS: usize = 3;

/// A fault at a phase, and the course that is expected.
pub(crate) struct Cell {
    pub(crate) kind: FaultKind,
    pub(crate) phase: Phase,
    pub(crate) course: Course,
}

/// How an upload ended.
pub(crate) struct Ended {
    how: &'static str,
    /// How many multipart uploads are left in S3 until the bucket's lifecycle rule removes them.
    left_over: usize,
}

impl Display for Ended {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.left_over {
            0 => formatter.pad(self.how),
            _ => formatter.pad(&format!("{}*", self.how)),
        }
    }
}

impl Cell {
    /// Uploads a file that meets the fault.
    ///
    /// # Errors
    /// If it does not end as expected.
    pub(crate) async fn run(self, scenario: &FaultyScenario<'_>, page: &Page) -> Result<Ended> {
        let is_small = self.phase == Phase::Put;
        let name = format!("{:?}-{}.bin", self.kind, self.phase);
        let file = scenario.files.add(&name, if is_small { SMALL } else { LARGE })?;
        let before = scenario.unfinished_uploads()?;
        self.begin_fault(scenario);
        page.pick(std::slice::from_ref(&file)).await?;
        let how = self.follow(scenario, page, &file).await?;
        scenario.faults().end();
        if self.course != Course::CleansUp {
            self.check_stored(scenario, &file, is_small)?;
        }
        let expected = before + self.left_over(scenario);
        wait_until(
            "S3 to be left with no upload that should not be there",
            async || {
                let found = scenario.unfinished_uploads()?;
                met(found == expected, format!("{found} instead of {expected}"))
            },
        )
        .await?;
        page.press("remove").await?;
        page.wait_for("the row to be gone", |rows| rows.is_empty().then_some(()))
            .await?;
        std::fs::remove_file(&file.path)?;
        Ok(Ended {
            how,
            left_over: expected - before,
        })
    }

    /// Plans the fault, and what brings the page to a phase that it would not reach by itself.
    fn begin_fault(&self, scenario: &FaultyScenario<'_>) {
        let (phase, fault) = (self.phase, self.kind.fault(self.phase));
        let mut times = self.kind.times();
        let mut parts = 0;
        scenario.faults().plan(move |met| {
            if met == phase && times > 0 {
                times -= 1;
                return Some(fault.clone());
            }
            parts += usize::from(met == Phase::Part);
            match phase {
                // The page asks S3 about a part whose answer was lost.
                Phase::List if met == Phase::Part && parts == 1 => Some(Fault::LoseAnswer),
                // A file with a part that is never answered can be cancelled.
                Phase::Abort if met == Phase::Part && parts > 1 => Some(Fault::BlackHole),
                _ => None,
            }
        });
    }

    async fn follow(
        &self,
        scenario: &FaultyScenario<'_>,
        page: &Page,
        file: &SourceFile,
    ) -> Result<&'static str> {
        match self.course {
            Course::Unnoticed => {
                page.wait_for_state("stored").await?;
                let looks = scenario.looks(&file.name).await?;
                let said: Vec<&Row> = looks.iter().filter(|row| !row.error.is_empty()).collect();
                ensure!(said.is_empty(), "the page said something: {said:#?}");
                self.check_met(scenario)?;
                Ok("unnoticed")
            }
            Course::Recovers => {
                page.wait_for_state("stored").await?;
                self.check_met(scenario)?;
                Ok("recovered")
            }
            Course::Waits(words) => {
                self.wait_for_words(scenario, file, "waiting", words).await?;
                ensure!(scenario.objects(&file.name).len() <= 1);
                scenario.faults().end();
                page.wait_for_state("stored").await?;
                Ok("waited")
            }
            Course::Fails(words) => {
                self.wait_for_words(scenario, file, "failed", words).await?;
                ensure!(
                    scenario.objects(&file.name).is_empty(),
                    "it is stored nonetheless"
                );
                scenario.faults().end();
                page.press("retry").await?;
                page.wait_for_state("stored").await?;
                Ok("retried")
            }
            Course::Resumes => {
                self.wait_until_met(scenario).await?;
                Self::reload(scenario, file).await?;
                Ok("resumed")
            }
            Course::CleansUp => {
                wait_until("the part that is held back", async || {
                    let held = scenario.faults().hits(Phase::Part);
                    let stored = scenario.stored_parts_of(&file.name).len();
                    met(held > 0 && stored == 1, format!("{held} held, {stored} stored"))
                })
                .await?;
                page.press("cancel").await?;
                let row = page.wait_for_state("cancelled").await?;
                ensure!(row.error.is_empty(), "{row:?}");
                self.wait_until_met(scenario).await?;
                scenario.faults().end();
                ensure!(scenario.objects(&file.name).is_empty(), "an object is there");
                Ok("cleaned up")
            }
            Course::NotApplicable(reason) => Ok(reason),
        }
    }

    /// Reloads the page and picks the file again, as a user does who is tired of waiting.
    async fn reload(scenario: &FaultyScenario<'_>, file: &SourceFile) -> Result<()> {
        let page = scenario.open_recorded_page().await?;
        page.wait_for_state("interrupted").await?;
        scenario.faults().end();
        page.pick(std::slice::from_ref(file)).await?;
        page.wait_for_state("stored").await?;
        Ok(())
    }

    async fn wait_for_words(
        &self,
        scenario: &FaultyScenario<'_>,
        file: &SourceFile,
        state: &str,
        words: &str,
    ) -> Result<()> {
        let what = format!("the page to say that the file is {state}: {words}");
        let row = scenario
            .wait_for_look(&file.name, &what, |row| {
                row.state == state && row.error.starts_with(words)
            })
            .await?;
        let advice = row.error.strip_prefix(words).unwrap_or_default();
        // What continues by itself needs no advice.
        let needs_advice = state == "failed";
        ensure!(
            needs_advice != advice.trim().is_empty(),
            "the advice is wrong: {row:?}"
        );
        let is_s3s = |code| row.error_details.contains(code) && row.error_details.contains("FAULTPROXY");
        let is_shown = match (self.kind, self.phase) {
            (_, Phase::Plan | Phase::Sign | Phase::Preflight) => true,
            (FaultKind::Busy, _) => is_s3s("SlowDown"),
            (FaultKind::Denied, _) => is_s3s("AccessDenied"),
            _ => true,
        };
        ensure!(
            is_shown,
            "S3's code and request id are not there to copy: {row:?}"
        );
        // On a busy machine, a page that waits for a second may have taken its own slowness for a stall.
        self.wait_until_met(scenario).await
    }

    fn check_met(&self, scenario: &FaultyScenario<'_>) -> Result<()> {
        let hits = scenario.faults().hits(self.phase);
        ensure!(hits > 0, "no request met the fault");
        Ok(())
    }

    async fn wait_until_met(&self, scenario: &FaultyScenario<'_>) -> Result<()> {
        wait_until("a request to meet the fault", async || {
            Ok(self.check_met(scenario).map_err(|error| error.to_string()))
        })
        .await
    }

    /// Checks that the file is stored, each of its parts once, in as many parts as it has.
    fn check_stored(&self, scenario: &FaultyScenario<'_>, file: &SourceFile, is_small: bool) -> Result<()> {
        if (self.kind, self.phase) == (FaultKind::TooLarge, Phase::Part) {
            // Parts behind the one that was refused are divided anew.
            return scenario.check_object(file);
        }
        scenario.check_stored(file)?;
        let parts = scenario.stored_parts_of(&file.name);
        if is_small {
            ensure!(parts.is_empty());
            return Ok(());
        }
        let uploads = parts.keys().map(|(upload, _)| upload);
        let last = uploads.max_by_key(|upload| {
            let of_upload = parts.keys().filter(|(other, _)| other == *upload);
            of_upload.count()
        });
        let last = last.context("no part was stored")?;
        let numbers = parts.keys().filter(|(upload, _)| upload == last).count();
        // An upload that starts over has larger parts if those before were fast.
        let starts_over = self.kind == FaultKind::Gone;
        ensure!(numbers == PARTS || starts_over, "{parts:?}");
        Ok(())
    }

    /// A CreateMultipartUpload whose answer was lost leaves an upload whose id nobody knows.
    fn left_over(&self, scenario: &FaultyScenario<'_>) -> usize {
        match (self.kind, self.phase) {
            (FaultKind::LostAnswer | FaultKind::Withheld, Phase::Create) => {
                scenario.faults().hits(Phase::Create)
            }
            _ => 0,
        }
    }
}
