//! What the driver's parts report to it, and by which handle.

use std::rc::Rc;

use engine::{Event, FileId};
use messages::Verdict;
use wire::BatchId;

/// A report to the driver.
pub(crate) enum ToDriver {
    /// Something that the engine has to handle.
    Event(Event),
    /// Changes have been collected for long enough: the page is due for an update.
    UpdateDue,
    /// A second has passed for the rows that count down to a retry.
    CountdownDue,
    /// The storage can be written to again.
    WriteDue,
    /// The manifest of this batch may be written by now, under this id.
    ManifestDue(FileId, BatchId),
    /// What scans found in these files.
    Verdicts(Vec<(FileId, Verdict)>),
}

/// A handle of the driver, for whatever was started on its behalf. It does not keep the driver alive, and
/// reports nothing once the driver is gone.
#[derive(Clone)]
pub(crate) struct DriverHandle {
    report: Rc<dyn Fn(ToDriver)>,
}

impl DriverHandle {
    pub(crate) fn new(report: impl Fn(ToDriver) + 'static) -> Self {
        Self {
            report: Rc::new(report),
        }
    }

    pub(crate) fn report(&self, report: ToDriver) {
        (self.report)(report);
    }

    pub(crate) fn event(&self, event: Event) {
        self.report(ToDriver::Event(event));
    }
}
