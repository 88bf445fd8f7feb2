//! Which parts of an interrupted upload count.
//!
//! The record says which parts S3 stored, and S3 is asked for those that it has (ListParts, all pages). A part counts
//! if its number and size fit and its checksum is that of the file's range: by the record if the browser kept a handle
//! of the very file, and by hashing the range again if a user picked the file, if it was changed since, or if only S3
//! knows of the part. Not a byte is sent before that is settled, so that another file never mixes with what is there.
//! One whose size does not fit is remembered: it counts once the file is divided so that it does.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    Attachment, CompletedPart, ListedPart,
    upload::{
        part_layout::PartLayout,
        transfer::{OnMatch, PriorHash},
    },
};

/// What is known of the file with which an upload goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// It is the file that was sent before, and nobody changed it.
    Same,
    /// A user picked it, so that it may be another one.
    Picked,
    /// It is the file that was being sent, and somebody touched it.
    Touched,
}

impl Origin {
    pub(crate) const fn of(attachment: Attachment, is_touched: bool) -> Self {
        match attachment {
            Attachment::Handle if !is_touched => Self::Same,
            Attachment::Handle | Attachment::Picked => Self::Picked,
        }
    }
}

/// How far the resumption of a multipart upload has come.
#[derive(Clone, Debug)]
pub(crate) enum Resumption {
    /// S3 is asked which parts it has.
    Asking {
        recorded: Vec<CompletedPart>,
        origin: Origin,
    },
    /// The file is compared with parts that S3 has.
    Comparing {
        origin: Origin,
        /// The recorded parts that S3 still has.
        recorded: Vec<CompletedPart>,
        /// The parts whose comparison has not started.
        queue: VecDeque<(u32, PriorHash)>,
    },
    /// Nothing is left to settle.
    Over,
}

/// What was settled: the parts that count at once, those that do not fit the layout, and what is still to be compared.
pub(crate) struct Settled {
    pub(crate) stored: Vec<CompletedPart>,
    pub(crate) unplaced: Vec<ListedPart>,
    pub(crate) resumption: Resumption,
}

impl Resumption {
    pub(crate) const fn is_asking(&self) -> bool {
        matches!(self, Self::Asking { .. })
    }

    pub(crate) const fn is_over(&self) -> bool {
        matches!(self, Self::Over)
    }

    /// What is known of the file; `None` if nothing is left to settle.
    pub(crate) const fn origin(&self) -> Option<Origin> {
        match self {
            Self::Asking { origin, .. } | Self::Comparing { origin, .. } => Some(*origin),
            Self::Over => None,
        }
    }

    /// The recorded parts that are not settled yet.
    pub(crate) fn recorded(&self) -> &[CompletedPart] {
        match self {
            Self::Asking { recorded, .. } | Self::Comparing { recorded, .. } => recorded,
            Self::Over => &[],
        }
    }

    /// The next part to compare with the file, and the hash that it should have.
    pub(crate) fn next_comparison(&mut self) -> Option<(u32, PriorHash)> {
        match self {
            Self::Comparing { queue, .. } => queue.pop_front(),
            Self::Asking { .. } | Self::Over => None,
        }
    }

    /// Settles by what S3 listed. `None` if S3 was not asked.
    pub(crate) fn settle(&self, found: &[ListedPart], layout: &PartLayout) -> Option<Settled> {
        let Self::Asking { recorded, origin } = self else {
            return None;
        };
        let on_record: BTreeMap<u32, &CompletedPart> =
            recorded.iter().map(|part| (part.number, part)).collect();
        let (mut stored, mut confirmed, mut queue) = (Vec::new(), Vec::new(), VecDeque::new());
        let fits = |listed: &ListedPart| {
            layout.has_part(listed.number) && listed.size == layout.bytes_of(listed.number)
        };
        let (placed, unplaced): (Vec<_>, Vec<_>) = found.iter().partition(|listed| fits(listed));
        for listed in placed {
            let (number, etag) = (listed.number, listed.etag.clone());
            let recorded = on_record.get(&number).copied();
            let sha256 = match recorded {
                Some(recorded) => listed.sha256_or(&recorded.etag, recorded.sha256),
                None => listed.sha256,
            };
            let Some(sha256) = sha256 else { continue };
            let is_recorded = recorded.is_some_and(|recorded| recorded.sha256 == sha256);
            let part = CompletedPart { number, etag, sha256 };
            match (is_recorded, origin) {
                (true, Origin::Same) => stored.push(part),
                (true, Origin::Picked | Origin::Touched) => {
                    queue.push_back((number, keep_recorded(&part)));
                    confirmed.push(part);
                }
                (false, _) => {
                    let on_match = OnMatch::KeepListed { etag: part.etag };
                    let digest = sha256;
                    queue.push_back((number, PriorHash { digest, on_match }));
                }
            }
        }
        let resumption = Self::Comparing {
            origin: *origin,
            recorded: confirmed,
            queue,
        };
        Some(Settled {
            stored,
            unplaced: unplaced.into_iter().cloned().collect(),
            resumption,
        })
    }

    /// S3 does not know the upload any more and had all of its parts: it is most likely completed, and the record
    /// stands for what S3 would have listed. `None` if S3 was not asked.
    pub(crate) fn settle_by_record(&self, layout: &PartLayout) -> Option<Settled> {
        let Self::Asking { recorded, origin } = self else {
            return None;
        };
        let known = || recorded.iter().filter(|part| layout.has_part(part.number));
        let (stored, queue) = match origin {
            Origin::Same => (known().cloned().collect(), VecDeque::new()),
            Origin::Picked | Origin::Touched => {
                let queue = known().map(|part| (part.number, keep_recorded(part)));
                (Vec::new(), queue.collect())
            }
        };
        let resumption = Self::Comparing {
            origin: *origin,
            recorded: recorded.clone(),
            queue,
        };
        Some(Settled {
            stored,
            unplaced: Vec::new(),
            resumption,
        })
    }
}

fn keep_recorded(part: &CompletedPart) -> PriorHash {
    PriorHash {
        digest: part.sha256,
        on_match: OnMatch::KeepRecorded {
            etag: part.etag.clone(),
        },
    }
}
