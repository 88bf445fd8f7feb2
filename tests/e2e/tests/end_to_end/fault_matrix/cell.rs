//! One fault at one phase: a file that meets it, and how it has to end.

use std::fmt::{self, Display};

use anyhow::{Context, Result, ensure};
use e2e::{Fault, FaultyScenario, Page, Phase, Row, SourceFile, sha256_of, wait_until};

use super::expected::{Course, FaultKind};

/// Sent as one PutObject.
const SMALL: usize = 3 << 20;

/// Sent in two parts of 8 MiB and one of 1 MiB.
const LARGE: usize = 17 << 20;

const PARTS: usize = 3;

/// A fault at a phase, and what is expected of it.
pub(crate) struct Cell {
    pub(crate) kind: FaultKind,
    pub(crate) phase: Phase,
    pub(crate) course: Course,
}

/// How it ended.
pub(crate) struct Ended {
    how: &'static str,
    /// Multipart uploads that S3 is left with until the bucket's lifecycle rule removes them.
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
    /// Uploads a file through the fault.
    ///
    /// # Errors
    /// Where it does not end as expected.
    pub(crate) async fn run(self, scenario: &FaultyScenario, page: &Page) -> Result<Ended> {
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
                Ok(if found == expected {
                    Ok(())
                } else {
                    Err(format!("{found} instead of {expected}"))
                })
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

    /// Plans the fault, and what brings the page to the phase where it would not come by itself.
    fn begin_fault(&self, scenario: &FaultyScenario) {
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
                // S3 is asked about a part whose answer was lost.
                Phase::List if met == Phase::Part && parts == 1 => Some(Fault::LoseAnswer),
                // A file with a part that is never answered is there to be cancelled.
                Phase::Abort if met == Phase::Part && parts > 1 => Some(Fault::BlackHole),
                _ => None,
            }
        });
    }

    async fn follow(
        &self,
        scenario: &FaultyScenario,
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
                    let stored = scenario.stored_parts(&file.name).len();
                    Ok(if held > 0 && stored == 1 {
                        Ok(())
                    } else {
                        Err(format!("{held} held, {stored} stored"))
                    })
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
            Course::Senseless(reason) => Ok(reason),
        }
    }

    /// Reloads the page and picks the file again, as a person does who is tired of waiting.
    async fn reload(scenario: &FaultyScenario, file: &SourceFile) -> Result<()> {
        let page = scenario.open_page().await?;
        page.wait_for_state("interrupted").await?;
        scenario.faults().end();
        page.pick(std::slice::from_ref(file)).await?;
        page.wait_for_state("stored").await?;
        Ok(())
    }

    async fn wait_for_words(
        &self,
        scenario: &FaultyScenario,
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
        // What goes on by itself needs nobody to do anything.
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
        self.check_met(scenario)
    }

    fn check_met(&self, scenario: &FaultyScenario) -> Result<()> {
        let hits = scenario.faults().hits(self.phase);
        ensure!(hits > 0, "no request met the fault");
        Ok(())
    }

    async fn wait_until_met(&self, scenario: &FaultyScenario) -> Result<()> {
        wait_until("a request to meet the fault", async || {
            Ok(self.check_met(scenario).map_err(|error| error.to_string()))
        })
        .await
    }

    /// One object has the file's bytes, and no part of it was stored twice.
    fn check_stored(&self, scenario: &FaultyScenario, file: &SourceFile, is_small: bool) -> Result<()> {
        let objects = scenario.objects(&file.name);
        ensure!(objects.len() == 1, "{objects:?}");
        ensure!(
            sha256_of(&objects[0])? == sha256_of(&file.path)?,
            "other bytes arrived"
        );
        let parts = scenario.stored_parts(&file.name);
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
        // What starts over goes up as one request, since the parts before went up fast.
        let starts_over = (self.kind, self.phase) == (FaultKind::Gone, Phase::Part);
        ensure!(numbers == PARTS || starts_over, "{parts:?}");
        ensure!(
            parts.values().all(|times| *times == 1),
            "a part was stored again: {parts:?}"
        );
        Ok(())
    }

    /// A CreateMultipartUpload whose answer is lost leaves an upload whose id nobody knows.
    fn left_over(&self, scenario: &FaultyScenario) -> usize {
        match (self.kind, self.phase) {
            (FaultKind::LostAnswer, Phase::Create) => scenario.faults().hits(Phase::Create),
            _ => 0,
        }
    }
}
