//! How long to wait, and when to give up.

use std::time::Duration;

use crate::{ErrorKind, FileStatus, UploadError, measure::conditions::Conditions};

/// The failures of one thing that is tried again and again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    /// Failures since bytes last moved.
    failures: u32,
    /// New signatures since the last success.
    signature_refreshes: u32,
    /// Waits in a row that are nobody's failure.
    waits: u32,
    /// Not to be tried before this time.
    pub(crate) not_before: Duration,
    /// The last failure, until something succeeds.
    pub(crate) last: Option<Box<UploadError>>,
}

/// Whether to try again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// At [`Attempts::not_before`].
    Again,
    /// Not any more, because of this.
    GiveUp(UploadError),
}

impl Attempts {
    /// Counts a failure and waits: full jitter over 1, 2, 4 … times the base
    /// (AWS Architecture Blog, "Exponential Backoff And Jitter").
    pub(crate) fn record_failure(&mut self, error: UploadError, conditions: &mut Conditions) -> Decision {
        self.failures += 1;
        if self.failures >= conditions.settings.max_attempts {
            return Decision::GiveUp(error);
        }
        self.last = Some(Box::new(error));
        self.not_before = conditions.now + delay(self.failures - 1, conditions);
        Decision::Again
    }

    /// Counts a signature that had to be made anew. The first is free of any wait; S3 and the Lambda
    /// disagreeing about the time is nothing that trying at once for ever would mend.
    pub(crate) fn record_signature_refresh(
        &mut self,
        error: UploadError,
        conditions: &mut Conditions,
    ) -> Decision {
        self.signature_refreshes += 1;
        if self.signature_refreshes > conditions.settings.max_signature_refreshes {
            return Decision::GiveUp(error);
        }
        self.last = Some(Box::new(error));
        self.not_before = match self.signature_refreshes {
            1 => conditions.now,
            more => conditions.now + delay(more - 2, conditions),
        };
        Decision::Again
    }

    /// Waits as after a failure, but for as long as it takes: the user has to be let in again.
    pub(crate) fn record_wait(&mut self, error: UploadError, conditions: &mut Conditions) -> Decision {
        self.last = Some(Box::new(error));
        self.not_before = conditions.now + delay(self.waits, conditions);
        self.waits = self.waits.saturating_add(1);
        Decision::Again
    }

    /// Counts a request that got no answer. While there is no network, that is nobody's failure.
    pub(crate) fn record_no_answer(&mut self, error: UploadError, conditions: &mut Conditions) -> Decision {
        if conditions.online {
            self.record_failure(error, conditions)
        } else {
            self.record_interruption(error.kind, conditions.now)
        }
    }

    /// Waits without counting: the network is known to be gone, or the machine slept.
    pub(crate) fn record_interruption(&mut self, kind: ErrorKind, now: Duration) -> Decision {
        self.last = Some(Box::new(UploadError::new(kind)));
        self.not_before = now;
        Decision::Again
    }

    /// Bytes moved: whatever failed before was another trouble.
    pub(crate) const fn record_progress(&mut self) {
        self.failures = 0;
    }

    /// Something succeeded, or a user asks for another try.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// What a file shows that waits to be let in again: by a sign-in, or by its upload link.
    pub(crate) fn locked_out(&self) -> Option<FileStatus> {
        match self.last.as_deref()?.kind {
            ErrorKind::NotSignedIn => Some(FileStatus::SignedOut),
            kind if kind.is_of_link() => Some(FileStatus::LinkEnded),
            _ => None,
        }
    }

    /// Whether it waits because of a failure.
    pub(crate) fn waiting(&self, now: Duration) -> Option<(Duration, &UploadError)> {
        let error = self.last.as_deref()?;
        (self.not_before > now).then_some((self.not_before, error))
    }
}

fn delay(doublings: u32, conditions: &mut Conditions) -> Duration {
    let settings = &conditions.settings;
    let ceiling = settings
        .backoff_base
        .saturating_mul(2_u32.saturating_pow(doublings.min(30)))
        .min(settings.backoff_limit);
    ceiling.mul_f64(conditions.random.f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    fn conditions(max_attempts: u32) -> Conditions {
        let settings = Settings {
            max_attempts,
            ..Settings::default()
        };
        Conditions::new(settings, 7)
    }

    fn error() -> UploadError {
        UploadError::new(ErrorKind::S3Busy)
    }

    #[test]
    fn waits_are_spread_below_a_ceiling_that_doubles_up_to_the_limit() {
        let mut conditions = conditions(100);
        let mut attempts = Attempts::default();
        for ceiling in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            assert_eq!(attempts.record_failure(error(), &mut conditions), Decision::Again);
            assert!(attempts.not_before <= Duration::from_secs(ceiling));
        }
        let samples: Vec<_> = (0..1000).map(|_| delay(0, &mut conditions)).collect();
        assert!(samples.iter().any(|wait| wait.as_millis() < 100));
        assert!(samples.iter().any(|wait| wait.as_millis() > 900));
    }

    #[test]
    fn it_gives_up_at_the_limit_unless_bytes_moved_in_between() {
        let mut conditions = conditions(3);
        let mut attempts = Attempts::default();
        for _ in 0..10 {
            attempts.record_progress();
            for _ in 0..2 {
                assert_eq!(attempts.record_failure(error(), &mut conditions), Decision::Again);
            }
        }
        assert_eq!(
            attempts.record_failure(error(), &mut conditions),
            Decision::GiveUp(error())
        );
    }

    #[test]
    fn the_first_new_signature_is_free_and_too_many_in_a_row_are_given_up() {
        let mut conditions = conditions(3);
        let mut attempts = Attempts::default();
        assert_eq!(
            attempts.record_signature_refresh(error(), &mut conditions),
            Decision::Again
        );
        assert_eq!(attempts.not_before, Duration::ZERO);
        assert_eq!(
            attempts.record_signature_refresh(error(), &mut conditions),
            Decision::Again
        );
        assert_eq!(
            attempts.record_signature_refresh(error(), &mut conditions),
            Decision::Again
        );
        assert_eq!(
            attempts.record_signature_refresh(error(), &mut conditions),
            Decision::GiveUp(error())
        );
    }
}
