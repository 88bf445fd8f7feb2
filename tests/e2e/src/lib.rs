//! WebDriver flows over the whole stack: the built page in a browser, the Lambda's real handler behind the
//! local API Gateway, and S3: the local one on the disk, or OpenStack Swift.
//!
//! Each test has everything of its own: a stack on free ports with a temporary folder, a server for
//! the page with the strict Content-Security-Policy of a deployment, a WebDriver and a browser
//! profile. [`with_page`] starts all of it and ends it, even if the test panics. `cargo xtask test`
//! builds the page and passes the paths of it and of the browser.
//!
//! `tools/bench` measures in the same browser ([`Browser`]), from the same server ([`Site`]).

mod accessibility;
mod browser;
mod driver_command;
mod environment;
mod fault_proxy;
mod faulty;
mod file_tricks;
mod files;
mod look;
mod network;
mod page;
mod phone;
mod process;
mod processor_time;
mod received;
mod relay;
mod s3;
mod scenario;
mod site;
mod wait;
mod web_driver;
mod worker_memory;

pub use accessibility::check_accessibility;
pub use browser::{Browser, Kind};
pub use driver_command::{devtools, metric, run_before_pages};
pub use environment::path_of;
pub use fault_proxy::{Answer, Fault, FaultProxy, Faults, Phase, ProxyListeners, Rule};
pub use faulty::{FaultyScenario, with_faulty_page, with_faulty_sign_in};
pub use file_tricks::{
    Away, make_unreadable, replace_by_equal_bytes, replace_by_other_bytes, take_away, touch,
};
pub use files::{
    SourceFile, SourceFolder, is_same_large_file, sha256_of, stored_files, stored_paths, write_large_file,
    write_random_file,
};
pub use look::Look;
pub use network::set_offline;
pub use page::{Page, Row};
pub use phone::Phone;
pub use process::peak_memory;
pub use received::StoredParts;
pub use relay::{Carried, Rate, Relay};
pub use scenario::{Scenario, with_page, with_page_for, with_scenario, with_sign_in, with_uppy};
pub use site::{Site, content_security_policy};
pub use wait::{met, wait_at_most, wait_until};
pub use worker_memory::REPORT_WORKER_MEMORY;
