//! What is compared.

use std::path::{Path, PathBuf};

/// Something that uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Client {
    /// This page
    Slipway,
    /// Uppy 6
    Uppy,
    /// Uppy 5
    #[value(name = "uppy-5")]
    Uppy5,
    /// better-upload's client
    BetterUpload,
    /// An XMLHttpRequest for each file
    Xhr,
    /// `curl --parallel`, which is no browser
    Curl,
    /// Uppy 6 with its Dashboard
    Dashboard,
}

/// How a page tells how far it is: those of `bench/pages` by themselves.
const READY: &str = "window.tally?.ready === true";

/// What makes Slipway's page tell the same, from what it shows. The third filter counts the stored files,
/// the fourth the failed ones.
const SLIPWAY_TALLY: &str = r"
    window.tally = { chosen: 0, stored: 0, failed: 0, error: null, began: null, ended: null };
    addEventListener('change', ({ target }) => {
        tally.chosen = target.files.length;
        tally.began = performance.now();
        const counts = () => Array.from(document.querySelectorAll('.filter-count'), (count) =>
            Number(count.textContent.replaceAll(/\D/g, '')));
        const look = setInterval(() => {
            const [, , stored, failed] = counts();
            tally.stored = stored ?? 0;
            tally.failed = failed ?? 0;
            if (tally.stored + tally.failed >= tally.chosen) {
                tally.ended = performance.now();
                tally.error = document.querySelector('.file-error:not([hidden])')?.textContent ?? null;
                clearInterval(look);
            }
        }, 25);
    }, true);";

impl Client {
    /// Those whose throughput is compared. The first is the one that the others are compared with.
    pub(crate) const UPLOADERS: [Self; 6] = [
        Self::Slipway,
        Self::Uppy,
        Self::Uppy5,
        Self::BetterUpload,
        Self::Xhr,
        Self::Curl,
    ];

    /// The two pages that people use as they are.
    pub(crate) const PAGES: [Self; 2] = [Self::Slipway, Self::Dashboard];

    /// Its name in a report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Slipway => "Slipway",
            Self::Uppy => "Uppy 6",
            Self::Uppy5 => "Uppy 5",
            Self::BetterUpload => "better-upload",
            Self::Xhr => "XMLHttpRequest",
            Self::Curl => "curl",
            Self::Dashboard => "Uppy 6 Dashboard",
        }
    }

    /// The folder of its page.
    pub(crate) fn page(self, slipway: &Path, others: &Path) -> Option<PathBuf> {
        let name = match self {
            Self::Slipway => return Some(slipway.to_owned()),
            Self::Curl => return None,
            Self::Uppy => "uppy",
            Self::Uppy5 => "uppy-5",
            Self::BetterUpload => "better-upload",
            Self::Xhr => "xhr",
            Self::Dashboard => "dashboard",
        };
        Some(others.join(name))
    }

    /// A script that runs before the page's own.
    pub(crate) const fn prelude(self) -> &'static str {
        match self {
            Self::Slipway => SLIPWAY_TALLY,
            _ => "",
        }
    }

    /// The input that takes files.
    pub(crate) const fn input(self) -> &'static str {
        match self {
            Self::Dashboard => "input.uppy-Dashboard-input[multiple]:not([webkitdirectory])",
            _ => "#file-picker",
        }
    }

    /// An expression that is true once files can be picked.
    pub(crate) fn is_ready(self) -> String {
        match self {
            Self::Slipway => format!("document.querySelector('{}') !== null", self.input()),
            _ => READY.to_owned(),
        }
    }
}
