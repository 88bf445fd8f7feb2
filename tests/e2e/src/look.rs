//! How the browser shows a page: its size, and what the user prefers.

use anyhow::Result;
use fantoccini::Client;
use serde_json::{Value, json};

use crate::driver_command::devtools;

/// A viewport and the user's preferences.
#[derive(Clone, Debug)]
pub struct Look {
    /// Of the viewport, in CSS pixels.
    pub width: u32,
    pub height: u32,
    /// Media features and the values that they are to have (W3C Media Queries Level 5), such as
    /// `prefers-color-scheme` and `dark`.
    pub features: &'static [(&'static str, &'static str)],
}

impl Look {
    /// A wide screen with light colours.
    pub const WIDE: Self = Self {
        width: 1440,
        height: 900,
        features: &[("prefers-color-scheme", "light")],
    };

    /// A wide screen with dark colours.
    pub const WIDE_AND_DARK: Self = Self {
        features: &[("prefers-color-scheme", "dark")],
        ..Self::WIDE
    };

    /// The narrowest phone there is, with light colours.
    pub const NARROW: Self = Self {
        width: 360,
        height: 740,
        features: &[("prefers-color-scheme", "light")],
    };

    /// The narrowest phone there is, with dark colours.
    pub const NARROW_AND_DARK: Self = Self {
        features: &[("prefers-color-scheme", "dark")],
        ..Self::NARROW
    };

    /// Has Chromium show the page like this.
    pub async fn show(&self, client: &Client) -> Result<()> {
        let feature = |(name, value): &(_, _)| json!({ "name": name, "value": value });
        let features: Vec<Value> = self.features.iter().map(feature).collect();
        let media = json!({ "features": features });
        devtools(client, "Emulation.setEmulatedMedia", media).await?;
        let size = json!({
            "width": self.width,
            "height": self.height,
            "deviceScaleFactor": 1,
            "mobile": false,
        });
        devtools(client, "Emulation.setDeviceMetricsOverride", size).await?;
        Ok(())
    }
}
