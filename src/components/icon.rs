//! The page's few pictures. Each stands beside words, so that screen readers pass over it.

use leptos::prelude::*;

/// A picture drawn as lines in a square of 24 by 24.
#[component]
pub(crate) fn Icon(shape: Shape) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=shape.path()></path>
        </svg>
    }
}

/// What a picture shows.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Upload,
    Folder,
    File,
    Stored,
    Failed,
    Pause,
    Resume,
    Retry,
    Dismiss,
    Copy,
    Bell,
    Checklist,
    More,
    Table,
    Braces,
    Image,
    Video,
    Sound,
    Text,
    Archive,
}

impl Shape {
    const fn path(self) -> &'static str {
        match self {
            Self::Upload => "M12 16V4m0 0L7 9m5-5 5 5M4 16v3a1 1 0 0 0 1 1h14a1 1 0 0 0 1-1v-3",
            Self::Folder => "M3 6h6l2 2.5h10V19H3z",
            Self::File => {
                "M14 3H6.5A1.5 1.5 0 0 0 5 4.5v15A1.5 1.5 0 0 0 6.5 21h11a1.5 1.5 0 0 0 1.5-1.5V8zm0 0v5h5"
            }
            Self::Stored => "m5 12.5 4.5 4.5L19 7.5",
            Self::Failed => "M12 8v5m0 3.5v.01M12 3.5 2.8 19.5h18.4z",
            Self::Pause => "M9 6v12m6-12v12",
            Self::Resume => "m8 5.5 10 6.5-10 6.5z",
            Self::Retry => "M19.5 12A7.5 7.5 0 1 1 17 6.4L19.5 9m0-4.5V9H15",
            Self::Copy => "M9 8.5h10v11H9zM15 8.5v-4H5v11h4",
            Self::Bell => "M6 17v-6a6 6 0 0 1 12 0v6l1.5 1.5h-15zM10 21.5h4",
            Self::Checklist => "M4 7h12M4 12h7M4 17h7m2.5-1 3 3 4.5-6",
            Self::More => "m6 9 6 6 6-6",
            Self::Table => "M4 5h16v14H4zM4 10h16M4 14.5h16M10 5v14",
            Self::Braces => "M9 4q-3 0-3 3t-2.5 5Q6 14 6 17t3 3m6-16q3 0 3 3t2.5 5Q18 14 18 17t-3 3",
            Self::Image => "M4 5h16v14H4zM4 16l4.5-4.5L13 16l3-3 4 4M15 9.5h.01",
            Self::Video => "M4 6h16v12H4zM10 9.5v5l4.5-2.5z",
            Self::Sound => {
                "M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0M19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0"
            }
            Self::Text => "M6 3h12v18H6zM9 8h6M9 12h6M9 16h4",
            Self::Archive => "M6 3h12v18H6zM12 3v2m0 2v2m0 2v2M10.5 15h3v3h-3z",
            Self::Dismiss => "m6.5 6.5 11 11m0-11-11 11",
        }
    }

    /// The shape for files of this media type (RFC 6838).
    pub(crate) fn of_type(media_type: &str) -> Self {
        let (kind, name) = media_type.split_once('/').unwrap_or_default();
        match kind {
            "image" => Self::Image,
            "video" => Self::Video,
            "audio" => Self::Sound,
            "text" => Self::Text,
            "inode" => Self::Folder,
            _ if name == "pdf" => Self::Text,
            _ if ["zip", "gzip", "x-tar", "x-7z-compressed"].contains(&name) => Self::Archive,
            _ => Self::File,
        }
    }
}
