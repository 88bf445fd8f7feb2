//! S3 services for tests, behind one interface: the local stack's S3 and OpenStack Swift, which nobody
//! here wrote. `tests/facts.rs` asks both about every fact that Slipway relies on, `tests/clients.rs`
//! lets other people's programs upload to the local one, and the end-to-end tests upload to both.

mod answer;
mod call;
mod endpoint;
mod environment;
mod objects;
mod requests;
mod reservation;
mod service;
mod swift;

pub use answer::Answer;
pub use call::Call;
pub use endpoint::{AccessKey, Endpoint};
pub use environment::program;
pub use requests::AnsweredRequest;
pub use reservation::Reservation;
pub use service::Service;
pub use swift::{Swift, SwiftOptions};
