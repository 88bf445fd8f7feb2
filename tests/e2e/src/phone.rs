//! A phone, as far as Chromium can play one.

use anyhow::Result;
use fantoccini::Client;
use serde_json::json;

use crate::driver_command::devtools;

/// How many times slower than this machine the phone's processor is.
const SLOWER: u32 = 4;

/// A phone of a usual size.
#[derive(Clone, Copy, Debug)]
pub struct Phone {
    pub name: &'static str,
    user_agent: &'static str,
    platform: &'static str,
}

impl Phone {
    /// Of the viewport, in CSS pixels.
    pub const WIDTH: u32 = 390;
    pub const HEIGHT: u32 = 844;

    pub const ANDROID: Self = Self {
        name: "android",
        user_agent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                     Chrome/140.0.0.0 Mobile Safari/537.36",
        platform: "Linux armv81",
    };

    pub const IPHONE: Self = Self {
        name: "iphone",
        user_agent: "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
        platform: "iPhone",
    };

    /// Has Chromium show pages like this phone from now on: its screen, its touch, its name and its speed.
    pub async fn emulate(&self, client: &Client) -> Result<()> {
        let screen = json!({
            "width": Self::WIDTH,
            "height": Self::HEIGHT,
            "deviceScaleFactor": 3,
            "mobile": true,
        });
        devtools(client, "Emulation.setDeviceMetricsOverride", screen).await?;
        let touch = json!({ "enabled": true, "maxTouchPoints": 5 });
        devtools(client, "Emulation.setTouchEmulationEnabled", touch).await?;
        let agent = json!({ "userAgent": self.user_agent, "platform": self.platform });
        devtools(client, "Emulation.setUserAgentOverride", agent).await?;
        devtools(
            client,
            "Emulation.setCPUThrottlingRate",
            json!({ "rate": SLOWER }),
        )
        .await?;
        Ok(())
    }
}
