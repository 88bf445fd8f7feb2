//! Measuring several clients with several workloads, in turn.

use anyhow::Result;

use crate::{client::Client, statistics::figure, table::Table, workload::Workload};

/// What is compared, and how often.
pub(crate) struct Plan {
    pub(crate) clients: Vec<Client>,
    pub(crate) workloads: Vec<Workload>,
    pub(crate) rounds: u32,
}

impl Plan {
    /// Takes every measurement, and returns the tables of each workload. A measurement has a figure for each of
    /// them; one that fails is reported there.
    pub(crate) async fn run(
        &self,
        tables_of: impl Fn(Workload) -> Vec<Table>,
        measure: impl AsyncFn(Client, Workload) -> Result<Vec<f64>>,
    ) -> Vec<Table> {
        let tables_of = |workload: &Workload| tables_of(*workload);
        let mut all: Vec<Vec<Table>> = self.workloads.iter().map(tables_of).collect();
        for round in 1..=self.rounds {
            for (workload, tables) in self.workloads.iter().zip(&mut all) {
                for client in in_turn(&self.clients, round) {
                    let what = format!("round {round}, {}, {}", workload.name(), client.name());
                    match measure(client, *workload).await {
                        Ok(figures) => {
                            for (table, sample) in tables.iter_mut().zip(figures) {
                                eprintln!("{what}: {}, {}: {}", table.name, table.unit, figure(sample));
                                table.add(client.name(), sample);
                            }
                        }
                        Err(error) => {
                            eprintln!("{what}: {error:#}");
                            for table in tables.iter_mut() {
                                table.add_failure(client.name(), format!("{error:#}"));
                            }
                        }
                    }
                }
            }
        }
        let names: Vec<&str> = self.clients.iter().map(|client| client.name()).collect();
        let mut tables: Vec<Table> = all.into_iter().flatten().collect();
        tables.iter_mut().for_each(|table| table.order(&names));
        tables
    }

    /// What a report says about the rounds.
    pub(crate) fn rounds(&self) -> String {
        format!("{} rounds, in turn.", self.rounds)
    }
}

/// What is compared, in the order of a round. The first one finds the machine as another left it, so they take turns.
pub(crate) fn in_turn<T: Clone>(compared: &[T], round: u32) -> Vec<T> {
    let mut compared = compared.to_vec();
    let count = compared.len().max(1);
    compared.rotate_left((round as usize - 1) % count);
    compared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_starts_with_another_client() {
        let clients = [Client::Slipway, Client::Uppy, Client::Curl];
        let firsts: Vec<Client> = (1..=4).map(|round| in_turn(&clients, round)[0]).collect();
        assert_eq!(
            firsts,
            [Client::Slipway, Client::Uppy, Client::Curl, Client::Slipway]
        );
    }
}
