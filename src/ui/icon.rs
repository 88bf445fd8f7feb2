//! The page's few pictures. Each stands beside words, so that screen readers pass over it.

use leptos::{prelude::*, svg};

/// A picture drawn as lines in a square of 24 by 24.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Icon {
    Upload,
    File,
    Stored,
    Failed,
    Pause,
    Resume,
    Retry,
    Dismiss,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Upload => "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
            Self::File => {
                "M14 3H6.5A1.5 1.5 0 0 0 5 4.5v15A1.5 1.5 0 0 0 6.5 21h11a1.5 1.5 0 0 0 1.5-1.5V8zm0 0v5h5"
            }
            Self::Stored => "m5 12.5 4.5 4.5L19 7.5",
            Self::Failed => "M12 8v5m0 3.5v.01M12 3.5 2.8 19.5h18.4z",
            Self::Pause => "M9 6v12m6-12v12",
            Self::Resume => "m8 5.5 10 6.5-10 6.5z",
            Self::Retry => "M19.5 12A7.5 7.5 0 1 1 17 6.4L19.5 9m0-4.5V9H15",
            Self::Dismiss => "m6.5 6.5 11 11m0-11-11 11",
        }
    }

    /// The picture.
    pub(crate) fn view(self) -> impl IntoView {
        svg::svg()
            .attr("class", "icon")
            .attr("viewBox", "0 0 24 24")
            .attr("aria-hidden", "true")
            .attr("focusable", "false")
            .child(svg::path().attr("d", self.path()))
    }
}
