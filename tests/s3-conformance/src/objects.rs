//! Reading what a service has stored.

use anyhow::Result;
use rusty_s3::Method;

use crate::{call::Call, endpoint::Endpoint};

impl Endpoint {
    /// The bytes of every object, at most 1,000 of them.
    pub fn objects(&self) -> Result<Vec<Vec<u8>>> {
        let list = Call::new(Method::Get, "").query("list-type", "2");
        let keys = list.ask(self)?.success()?.elements("Key");
        keys.iter().map(|key| self.object(key)).collect()
    }

    /// The bytes of one object.
    pub fn object(&self, key: &str) -> Result<Vec<u8>> {
        Ok(Call::new(Method::Get, key).ask(self)?.success()?.body.into())
    }
}
