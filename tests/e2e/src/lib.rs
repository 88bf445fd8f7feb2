//! WebDriver flows over the whole stack: the built page in a browser, the Lambda's real handler behind the
//! local API Gateway, and S3: the local one on the disk, or OpenStack Swift.
//!
//! Each test has everything of its own: a stack on free ports with a temporary folder, a server for
//! the page with the strict Content-Security-Policy of a deployment, a WebDriver and a browser
//! profile. [`with_page`] starts all of it and ends it, also when the test panics. `cargo xtask test`
//! builds the page and says where it and the browser are.

mod accessibility;
mod browser;
mod devtools;
mod environment;
mod fault_proxy;
mod faulty;
mod files;
mod large_file;
mod look;
mod memory;
mod network;
mod page;
mod parts;
mod process;
mod s3;
mod scenario;
mod site;
mod slow_path;
mod wait;
mod web_driver;
mod worker_memory;

pub use accessibility::check_accessibility;
pub use browser::{Browser, Kind};
pub use devtools::{devtools, run_before_pages};
pub use environment::{leptos_example, page_folder, xtask_program};
pub use fault_proxy::{Answer, Fault, FaultProxy, Faults, Phase, ProxyListeners};
pub use faulty::{FaultyScenario, with_faulty_page};
pub use files::{SourceFile, SourceFolder, stored_files};
pub use large_file::{sha256_of, stored_paths, write_large_file, write_random_file};
pub use look::Look;
pub use network::set_offline;
pub use page::{Page, Row};
pub use parts::StoredParts;
pub use scenario::{Scenario, with_page, with_page_for, with_sign_in, with_uppy};
pub use site::{Site, content_security_policy};
pub use wait::{wait_at_most, wait_until};
pub use worker_memory::TELL_WORKER_MEMORY;
