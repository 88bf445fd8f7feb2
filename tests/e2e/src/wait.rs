//! Waiting for a condition.

use std::time::Duration;

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

/// How long a condition may take to come true. Most take a fraction of a second; a busy machine that
/// starts several browsers at once is slower.
pub(crate) const WAIT: Duration = Duration::from_secs(60);

/// How often a condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(25);

/// Looks at a condition until it gives something.
///
/// # Errors
/// After a minute without it, with `what` was waited for and the last reason why it was not there;
/// and whatever error the condition itself gives.
pub async fn wait_until<T>(
    what: &str,
    condition: impl AsyncFnMut() -> Result<Result<T, String>>,
) -> Result<T> {
    wait_at_most(WAIT, what, condition).await
}

/// Looks at a condition until it gives something, for as long as this.
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
