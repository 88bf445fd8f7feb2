//! How fast files get to S3.

use crate::{
    compare::Plan,
    shaped,
    stage::{Setting, Way},
    table::{Better, Table},
    upload::{Upload, upload},
    workload::{Kind, Limit, Workload},
};

/// Uploads every workload by every client.
pub(crate) async fn measure(setting: &Setting, plan: &Plan, way: &Way, limit: Limit) -> Vec<Table> {
    plan.run(
        |workload| vec![Table::new(workload.name(), unit(workload), Better::More)],
        async |client, workload| {
            let done = upload(setting, client, workload, way, limit).await?;
            Ok(vec![rate(workload, &done)])
        },
    )
    .await
}

fn unit(workload: Workload) -> &'static str {
    match workload.kind {
        Kind::Small => "files/s",
        Kind::Giant | Kind::Large => "MB/s",
    }
}

fn rate(workload: Workload, done: &Upload) -> f64 {
    let amount = match workload.kind {
        Kind::Small => done.files as f64,
        Kind::Giant | Kind::Large => done.bytes as f64 / 1e6,
    };
    amount / done.time.as_secs_f64()
}

/// What a report says about how it was measured.
pub(crate) fn method(plan: &Plan, way: &Way, limit: Limit) -> Vec<String> {
    let way = match way {
        Way::Direct | Way::Counted => "By the loopback interface.".to_owned(),
        Way::Gigabit => "Through a port that takes 1 Gbit/s for S3.".to_owned(),
        Way::Shaped(_) => format!(
            "Over a link with {} ms of round trip and {} % of packets lost in each direction; TCP {}.",
            (shaped::ONE_WAY_DELAY * 2).as_millis(),
            shaped::LOSS_PERCENT,
            shaped::CONGESTION_CONTROL
        ),
    };
    let limit = match limit {
        Limit::Patience(_) => "From the pick until the client knew that the last file was stored.".to_owned(),
        Limit::Time(time) => format!(
            "What was sent (of small files: what was stored) in the first {} s after the pick.",
            time.as_secs()
        ),
    };
    vec![way, limit, plan.rounds()]
}
