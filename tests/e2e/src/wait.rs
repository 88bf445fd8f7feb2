//! Waiting for a condition.

use std::{fmt::Debug, time::Duration};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

/// How long a condition may take to come true. Most take a fraction of a second; a busy machine that
/// starts several browsers at once is slower.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// How often a condition is checked.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Checks a condition until it returns a value. [`met`] makes its answer.
///
/// # Errors
/// If a minute passes: the error says what was waited for and the last reason why it was not there. And if the
/// condition itself fails.
pub async fn wait_until<T>(
    what: &str,
    condition: impl AsyncFnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    wait_at_most(WAIT, what, condition).await
}

/// [`wait_until`] with a deadline of its own.
///
/// # Errors
/// As [`wait_until`].
pub async fn wait_at_most<T>(
    deadline: Duration,
    what: &str,
    mut condition: impl AsyncFnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let reason = match condition().await.with_context(|| what.to_owned())? {
            Ok(value) => return Ok(value),
            Err(reason) => reason,
        };
        anyhow::ensure!(start.elapsed() < deadline, "waited in vain for {what}: {reason}");
        sleep(POLL_INTERVAL).await;
    }
}

/// The answer of a condition: what was found if that is enough, or else a description of it.
pub fn met<T: Debug>(is_met: bool, found: T) -> Result<Result<T, String>> {
    Ok(if is_met {
        Ok(found)
    } else {
        Err(format!("{found:?}"))
    })
}
