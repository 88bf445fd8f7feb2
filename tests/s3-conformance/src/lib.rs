//! S3 services for tests, behind one interface: the local stack's S3 and OpenStack Swift, which nobody
//! here wrote. `tests/facts` asks both about every fact that Slipway relies on, `tests/clients` lets other
//! people's programs upload to the local one, and the end-to-end tests upload to both. The tests of the local
//! stack send the same [`Call`]s.

mod answer;
mod call;
mod endpoint;
mod environment;
mod objects;
mod raw_request;
mod requests;
mod reservation;
mod service;
mod swift;
mod upload;

pub use answer::Answer;
pub use call::Call;
pub use endpoint::{AccessKey, Endpoint};
pub use environment::program;
pub use raw_request::RawRequest;
pub use requests::AnsweredRequest;
pub use reservation::Reservation;
pub use service::Service;
pub use swift::{Swift, SwiftOptions};
pub use upload::{Part, Upload};
