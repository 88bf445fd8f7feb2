//! Known bugs, to prove that the simulation finds them.
//!
//! Without the feature `planted-bugs`, which only the simulation's tests turn on, no bug can be
//! planted and every [`planted`] is a constant `false`.

/// A bug that can be planted. Each is one that other uploaders have, or that this one had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "planted-bugs"), allow(unreachable_pub))]
pub enum Bug {
    /// An answer is taken for whichever request of the file is under way.
    NoAttemptCheck,
    /// A request without progress is waited for.
    NoStallTimer,
    /// Progress is added to the totals twice.
    ProgressCountedTwice,
    /// Every request is sent at once.
    BudgetIgnored,
    /// Every range is hashed at once.
    HashingUnbounded,
    /// A listed part counts whatever its bytes are.
    ListedWithoutChecksum,
    /// A status of 200 is a success, whatever the body says.
    ErrorIn200IsSuccess,
    /// A pause forgets which parts are stored.
    ResendAfterPause,
    /// The multipart upload of a file that was given up is left at S3.
    NoAbort,
    /// An object under the key is always taken for the file's own.
    KeyTakenIsOurs,
    /// A request that was cut off is believed not to have been carried out.
    OutcomeForgotten,
    /// An upload that S3 does not know is always taken for completed.
    GoneIsStored,
    /// The bucket's lifecycle is forgotten where an upload is gone.
    LifecycleForgotten,
    /// The file is not looked at again before it is completed.
    NoCheck,
    /// No wake-up is asked for.
    NoWakeUp,
    /// An expired URL is the end.
    ExpiredIsFinal,
    /// A failure is never the last.
    NeverGivesUp,
    /// A request whose URL expired while it waited keeps its place.
    StaleTakesPlace,
    /// A resumed upload counts a part by its number, whatever its checksum is.
    ResumeByPartNumber,
    /// Only the first page of a listing is read.
    FirstPageOnly,
    /// A file that comes back is taken for the one that was sent, whatever it holds.
    TrustDifferentFile,
    /// What was signed for an address that cannot be reached is never signed for the other.
    UnreachableForGood,
}

#[cfg(feature = "planted-bugs")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Bug>> = const { std::cell::Cell::new(None) };
}

/// Plants a bug in every engine of this thread, in place of the one before.
#[cfg(feature = "planted-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this bug is planted.
#[cfg(feature = "planted-bugs")]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether this bug is planted: never.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn planted(_: Bug) -> bool {
    false
}
