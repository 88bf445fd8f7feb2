//! Every number that is not a setting, with its reason or its source.

use std::time::Duration;

use wire::MAX_BATCH;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Size in bytes up to which files are read together: what a browser takes to read such a file is far more than
/// its bytes cost (`docs/decisions.md`).
pub const READ_TOGETHER_BYTES: u64 = 256 * KIB;

/// How many files that are read together count as one among those that are hashed at once.
pub const READ_TOGETHER_FILES: usize = 32;

/// Small files that may be hashed ahead of being sent: as many as one call plans.
pub(crate) const SMALL_FILES_AHEAD: usize = MAX_BATCH;

/// Bytes of small files that may be hashed ahead, so that a signature is not old when it is used.
pub(crate) const SMALL_BYTES_AHEAD: u64 = 96 * MIB;

/// Large files with parts still to start, or to be sent whole. More than one, so that the next can be created
/// while the last parts of one are in flight.
pub(crate) const LARGE_FILES_AHEAD: usize = 4;

/// Large files that may be active at all. Many that only wait for their completion would make every event cost
/// more.
pub(crate) const MAX_LARGE_FILES: usize = 24;

/// Bytes that may be in memory for being hashed or as bodies, unless a single part is larger.
pub(crate) const MAX_BYTES_IN_MEMORY: u64 = 64 * MIB;

/// Windows of the budget that are prepared ahead of what is in flight: one is signed, one is being hashed.
pub(crate) const WINDOWS_AHEAD: usize = 2;

/// How many calls may be in flight at once. Two let the next batch be asked for while one is being answered.
pub(crate) const MAX_CALLS: usize = 2;

/// The most bytes of JSON in one call, unless a single entry has more. AWS WAF's common rule set refuses bodies of more than
/// 8 KB (AWS WAF Developer Guide, "Core rule set", SizeRestrictions_BODY).
pub(crate) const MAX_CALL_BYTES: usize = 8_000;

/// How often a file starts over before it is given up.
pub(crate) const MAX_RESTARTS: u32 = 3;

/// How often in a row a file is tried again after it could not be read, at once and then after 1, 2, 4 … seconds:
/// about a minute, in which a share, a scanner or a cloud folder gives back what it held.
pub(crate) const MAX_REOPENS: u32 = 7;

/// How many files that could not be read are tried again at the same time. More would keep a disk that has just come
/// back from those that are read.
pub(crate) const PARALLEL_REOPENS: usize = 4;

/// How much longer than the settings' stall a CompleteMultipartUpload may take: S3 puts a large object together
/// for minutes before it answers (Amazon S3 API Reference, "CompleteMultipartUpload").
pub(crate) const COMPLETE_PATIENCE: Duration = Duration::from_secs(300);

/// How long after its creation a bucket's lifecycle drops an upload at the earliest, in seconds (Amazon S3 User
/// Guide, "Configuring a bucket lifecycle configuration to delete incomplete multipart uploads").
pub(crate) const LIFECYCLE_SECONDS: u64 = 24 * 3600;

/// How long an upload that S3 has just shown is hardly dropped, in seconds.
pub(crate) const SEEN_SECONDS: u64 = 3600;

/// How long a part may take. That is what a lost connection costs, at most.
pub(crate) const PART_TIME: Duration = Duration::from_secs(4);

/// How long a whole file may take that could also be sent in parts.
pub(crate) const SINGLE_PUT_TIME: Duration = Duration::from_secs(8);

/// How long files that may be sent whole wait until a speed is known. What measures it is planned, created, hashed and
/// signed before its first byte is sent.
pub(crate) const SPEED_PATIENCE: Duration = Duration::from_secs(3);

/// Size in bytes below which a request measures the time that S3 takes to answer rather than the network.
pub(crate) const SMALLEST_SPEED_SAMPLE: u64 = 4 * MIB;

/// Bytes per second at which answers are expected while none was measured: half of what the slowest line does on which
/// large files are uploaded, so that a proxy that swallows six parts of 8 MiB has some minutes to forward them.
pub(crate) const ASSUMED_SPEED: u64 = 256 * KIB;

/// Bytes per second below which no way is expected to be, however often answers did not come.
pub(crate) const SLOWEST_SPEED: u64 = 16 * KIB;

/// The longest that the answer to a body that is out may take: what is not there by then is more likely lost than slow.
pub(crate) const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// Throttled requests this close together count once.
pub(crate) const THROTTLING_BURST: Duration = Duration::from_secs(1);

/// After this time a network may let an endpoint through that was unreachable.
pub(crate) const ENDPOINT_REST: Duration = Duration::from_secs(600);

/// A request this close to its expiry, in seconds, is not started any more, unless it is not good for much longer
/// altogether.
pub(crate) const EXPIRY_MARGIN_SECONDS: u64 = 5;

/// The shortest sample of a speed. Shorter ones say more of the network's buffers than of its speed.
pub(crate) const SPEED_SAMPLE: Duration = Duration::from_millis(500);

/// How fast a file's own speed follows the network.
pub(crate) const FILE_SPEED_TIME: Duration = Duration::from_secs(3);

/// How fast the speed of all files together follows the network. Slower than a single file's, since the time left
/// of the whole is computed from it.
pub(crate) const TOTAL_SPEED_TIME: Duration = Duration::from_secs(10);

/// How long a request waits until its record is on the disk. A storage that takes longer may never answer, and must not
/// keep a file from being sent.
pub(crate) const SAVE_PATIENCE: Duration = Duration::from_secs(3);

/// The largest number that a name may get because somebody else's objects have the smaller ones.
pub(crate) const MAX_COPIES: u32 = 1_000;
