//! What every decision depends on besides the file itself.

use std::time::Duration;

use crate::Settings;

/// The time, the network, the settings and the dice.
#[derive(Debug)]
pub(crate) struct Conditions {
    pub(crate) settings: Settings,
    pub(crate) random: fastrand::Rng,
    /// The time of the event that is being handled.
    pub(crate) now: Duration,
    /// Whether the browser says that it has a network.
    pub(crate) online: bool,
}

impl Conditions {
    pub(crate) fn new(settings: Settings, seed: u64) -> Self {
        Self {
            settings,
            random: fastrand::Rng::with_seed(seed),
            now: Duration::ZERO,
            online: true,
        }
    }
}
