//! Which requests meet a fault, at random.

use std::{collections::BTreeMap, time::Duration};

use axum::http::StatusCode;
use e2e::{Answer, Fault, Faults, Phase};
use fastrand::Rng;

/// One of this many requests meets a fault.
const ONE_IN: u32 = 25;

/// Chooses the faults of requests.
pub(crate) fn choose(mut random: Rng) -> impl FnMut(Phase) -> Option<Fault> + Send + 'static {
    move |phase| (random.u32(..ONE_IN) == 0).then(|| fault(phase, &mut random))
}

fn fault(phase: Phase, random: &mut Rng) -> Fault {
    let is_api = matches!(phase, Phase::Plan | Phase::Sign);
    match random.u32(..20) {
        0..3 => Fault::Delay(Duration::from_millis(random.u64(..1000))),
        3..6 => Fault::Cut {
            after: random.u64(..1 << 20),
        },
        6..9 => Fault::Reset {
            after: random.u64(..1 << 20),
        },
        9..11 => Fault::Throttle {
            bytes_per_second: 4 << 20,
        },
        11..13 => Fault::LoseAnswer,
        // The page waits five minutes for a Complete that is never answered, which is too long for a soak.
        13 if phase != Phase::Complete => Fault::BlackHole,
        14 => Fault::Corrupt {
            at: random.u64(..1 << 10),
        },
        15 if is_api => Fault::Answer(Answer::gateway(StatusCode::FORBIDDEN, "Forbidden")),
        15 => s3(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied"),
        16 if !is_api => s3(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "We encountered an internal error.",
        ),
        17 if !is_api => s3(StatusCode::FORBIDDEN, "AccessDenied", "Request has expired"),
        _ if is_api => Fault::Answer(Answer::gateway(
            StatusCode::SERVICE_UNAVAILABLE,
            "Service Unavailable",
        )),
        _ => s3(
            StatusCode::SERVICE_UNAVAILABLE,
            "SlowDown",
            "Please reduce your request rate.",
        ),
    }
}

fn s3(status: StatusCode, code: &str, message: &str) -> Fault {
    Fault::Answer(Answer::s3(status, code, message))
}

/// How many requests of each phase there were, and how many met a fault.
pub(crate) fn met(faults: &Faults) -> BTreeMap<String, (usize, usize)> {
    let of_phase = |phase: Phase| (phase.to_string(), (faults.requests(phase), faults.hits(phase)));
    Phase::ALL.into_iter().map(of_phase).collect()
}
