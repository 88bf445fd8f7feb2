//! How fast files get to S3.

use std::time::Duration;

use anyhow::Result;

use crate::{
    client::Client,
    report::{Better, Table},
    shaped,
    stage::{Setting, Way},
    upload::{Limit, Upload, upload},
    workload::{Kind, Workload},
};

/// What is compared, and how often.
pub(crate) struct Plan {
    pub(crate) clients: Vec<Client>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) rounds: u32,
    pub(crate) way: Way,
    pub(crate) limit: Limit,
}

/// Uploads every workload by every client, in turn, and gives a table of each workload.
///
/// # Errors
/// Where something other than an upload fails.
pub(crate) async fn measure(setting: &Setting, plan: &Plan) -> Result<Vec<Table>> {
    let mut tables: Vec<Table> = plan.workloads.iter().map(table).collect();
    for round in 1..=plan.rounds {
        for (workload, table) in plan.workloads.iter().zip(&mut tables) {
            for client in in_turn(&plan.clients, round) {
                let done = upload(setting, client, *workload, &plan.way, plan.limit).await;
                let what = format!("round {round}, {}, {}", workload.name(), client.name());
                match done {
                    Ok(done) => {
                        let figure = rate(*workload, &done);
                        eprintln!(
                            "{what}: {:.1} s, {figure:.1} {}",
                            done.time.as_secs_f64(),
                            table.unit
                        );
                        table.add(client.name(), figure);
                    }
                    Err(error) => {
                        eprintln!("{what}: {error:#}");
                        table.add_failure(client.name(), format!("{error:#}"));
                    }
                }
            }
        }
    }
    for table in &mut tables {
        order(table, &plan.clients);
    }
    Ok(tables)
}

/// The clients of a round. Whoever begins finds the machine as another left it, so they take turns.
pub(crate) fn in_turn(clients: &[Client], round: u32) -> Vec<Client> {
    let mut clients = clients.to_vec();
    let count = clients.len().max(1);
    clients.rotate_left((round as usize - 1) % count);
    clients
}

/// Puts the rows in the order of the clients.
pub(crate) fn order(table: &mut Table, clients: &[Client]) {
    table.rows.sort_by_key(|row| {
        clients
            .iter()
            .position(|client| client.name() == row.subject)
            .unwrap_or(usize::MAX)
    });
}

fn table(workload: &Workload) -> Table {
    let unit = if workload.kind == Kind::Small {
        "files/s"
    } else {
        "MB/s"
    };
    Table::new(workload.name(), unit, Better::More)
}

fn rate(workload: Workload, done: &Upload) -> f64 {
    let seconds = done.time.as_secs_f64();
    if workload.kind == Kind::Small {
        done.files as f64 / seconds
    } else {
        done.bytes as f64 / 1e6 / seconds
    }
}

/// What a report says of a plan.
pub(crate) fn method(plan: &Plan) -> Vec<String> {
    let way = match plan.way {
        Way::Direct | Way::Counted => "By the loopback interface.".to_owned(),
        Way::Gigabit => "Through a port that takes 1 Gbit/s for S3.".to_owned(),
        Way::Shaped(_) => format!(
            "Over a link with {} ms of round trip and {} % of packets lost in each direction; TCP {}.",
            (shaped::ONE_WAY_DELAY * 2).as_millis(),
            shaped::LOSS_PERCENT,
            shaped::CONGESTION_CONTROL
        ),
    };
    let limit = match plan.limit {
        Limit::Patience(_) => "From the pick until the client knew of the last file.".to_owned(),
        Limit::Time(time) => format!(
            "What was sent (of small files: what was stored) in the first {} s after the pick.",
            time.as_secs()
        ),
    };
    vec![way, limit, format!("{} rounds, in turn.", plan.rounds)]
}

/// The limit of an upload over the link, or on none.
pub(crate) fn limit(way: &Way, seconds: u64) -> Limit {
    let time = Duration::from_secs(seconds);
    match way {
        Way::Direct | Way::Counted | Way::Gigabit => Limit::Patience(time),
        Way::Shaped(_) => Limit::Time(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_begins_with_another_client() {
        let clients = [Client::Slipway, Client::Uppy, Client::Curl];
        let firsts: Vec<Client> = (1..=4).map(|round| in_turn(&clients, round)[0]).collect();
        assert_eq!(
            firsts,
            [Client::Slipway, Client::Uppy, Client::Curl, Client::Slipway]
        );
    }
}
