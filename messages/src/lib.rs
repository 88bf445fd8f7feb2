//! What the page and its worker say to each other.
//!
//! The page shows and asks; the worker holds the engine, the files and every request. The page knows
//! of the list only the rows that it shows, so that 100,000 files cost it no more than ten.

mod finding;
mod row;
mod to_page;
mod to_worker;

pub use engine::{ErrorKind, FileId, Mismatch, Notice, Selection, Settings, Totals};
pub use finding::{Finding, FindingKind};
pub use row::{Row, RowError, RowState};
pub use to_page::{Ended, Outcome, ToPage};
pub use to_worker::{Action, Filter, Start, ToWorker, Window};
pub use wire::Verdict;
