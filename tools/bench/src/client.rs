//! The clients that are compared.

use std::path::{Path, PathBuf};

/// An upload client.
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
    /// A bare page that reads, hashes and sends a file in each of several ways
    Ways,
}

/// Reports the progress of Slipway's page, from what it shows, as the pages in `tools/bench/pages` do by themselves.
/// The third filter counts the stored files, the fourth the failed ones.
const SLIPWAY_TALLY: &str = r"
    window.tally = { chosen: 0, stored: 0, failed: 0, error: null, began: null, ended: null };
    addEventListener('change', ({ target }) => {
        tally.chosen = target.files.length;
        tally.began = performance.now();
        const counts = () => Array.from(document.querySelectorAll('.filter-count'), (count) =>
            Number(count.textContent.replaceAll(/\D/g, '')));
        const polling = setInterval(() => {
            const [, , stored, failed] = counts();
            tally.stored = stored ?? 0;
            tally.failed = failed ?? 0;
            if (tally.stored + tally.failed >= tally.chosen) {
                tally.ended = performance.now();
                tally.error = document.querySelector('.file-error:not([hidden])')?.textContent ?? null;
                clearInterval(polling);
            }
        }, 25);
    }, true);";

impl Client {
    /// Those whose throughput is compared. The others are compared with the first.
    pub(crate) const UPLOADERS: [Self; 6] = [
        Self::Slipway,
        Self::Uppy,
        Self::Uppy5,
        Self::BetterUpload,
        Self::Xhr,
        Self::Curl,
    ];

    /// Those whose processor time is compared: the current version of each client that runs in a browser.
    pub(crate) const COSTS: [Self; 4] = [Self::Slipway, Self::Uppy, Self::BetterUpload, Self::Xhr];

    /// The two pages that are complete user interfaces.
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
            Self::Ways => "bare page",
        }
    }

    /// The folder of its page; `None` if it has none.
    pub(crate) fn page(self, slipway: &Path, others: &Path) -> Option<PathBuf> {
        let name = match self {
            Self::Slipway => return Some(slipway.to_owned()),
            Self::Curl => return None,
            Self::Uppy => "uppy",
            Self::Uppy5 => "uppy-5",
            Self::BetterUpload => "better-upload",
            Self::Xhr => "xhr",
            Self::Dashboard => "dashboard",
            Self::Ways => "ways",
        };
        Some(others.join(name))
    }

    /// A script that runs before the page's own scripts.
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

    /// The input that takes the first files: Slipway's is in its HTML, and the page takes over what it has.
    pub(crate) const fn first_input(self) -> &'static str {
        match self {
            Self::Slipway => "#early-file-picker, #file-picker",
            _ => self.input(),
        }
    }

    /// An expression that is true once files can be picked.
    pub(crate) fn is_ready(self) -> String {
        match self {
            Self::Slipway => format!("document.querySelector('{}') !== null", self.input()),
            _ => "window.tally?.ready === true".to_owned(),
        }
    }
}
