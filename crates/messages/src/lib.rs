//! The messages between the page and its worker.
//!
//! The page draws and asks; the worker has the engine, the files and every request. The page knows only
//! the rows that are on the screen, so that 100,000 files cost it no more than ten.

mod finding;
mod left_out;
mod link;
mod row;
mod to_page;
mod to_worker;

pub use engine::{ErrorKind, FileId, Mismatch, Notice, Selection, Settings, Totals};
pub use finding::{Finding, FindingKind};
pub use left_out::{LeftOut, Limits, Reason};
pub use link::LinkTerms;
pub use row::{BatchSummary, Receipt, Row, RowError, RowState};
pub use to_page::{Ended, Outcome, ToPage};
pub use to_worker::{Action, Filter, Start, ToWorker, Viewport};
pub use wire::Verdict;
