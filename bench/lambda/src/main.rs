//! Measures two programs of one function under the same Runtime API, round by round in turn, and prints
//! the figures side by side. `cargo xtask bench lambda` builds both and runs this.

mod measure;
mod process_usage;
mod report;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use local::FunctionOptions;

use crate::{measure::measure, report::Report};

/// Compares the Lambda with a handler in Node.js.
#[derive(Debug, Parser)]
struct Arguments {
    /// The Lambda's program.
    #[arg(long)]
    program: PathBuf,
    /// The Lambda's package.
    #[arg(long)]
    package: PathBuf,
    /// The folder of the Node.js runtime client.
    #[arg(long)]
    node_client: PathBuf,
    /// The folder of the handler in Node.js.
    #[arg(long)]
    node_handler: PathBuf,
    /// The handler's package.
    #[arg(long)]
    node_package: PathBuf,
    /// The event that both answer, as a file.
    #[arg(long)]
    event: PathBuf,
    /// How often each program is started and measured.
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// How long each is kept busy once it is warm, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    ensure!(
        arguments.rounds > 0 && arguments.seconds > 0,
        "nothing is to be measured"
    );
    let event = std::fs::read(&arguments.event).context("the event cannot be read")?;
    let busy = Duration::from_secs(arguments.seconds);
    let programs = [lambda(&arguments), node(&arguments)];
    let mut rounds = [Vec::new(), Vec::new()];
    for round in 1..=arguments.rounds {
        eprintln!("round {round} of {}", arguments.rounds);
        // Whoever begins finds the machine as the other left it, so they take turns.
        let order = if round % 2 == 0 { [1, 0] } else { [0, 1] };
        for index in order {
            rounds[index].push(measure(&programs[index], &event, busy).await?);
        }
    }
    let [lambda, node] = rounds;
    let report = Report {
        lambda,
        node,
        lambda_package_bytes: std::fs::metadata(&arguments.package)?.len(),
        node_package_bytes: std::fs::metadata(&arguments.node_package)?.len(),
    };
    println!("{report}");
    Ok(())
}

fn variables(more: &[(&str, &str)]) -> Vec<(String, String)> {
    let shared = [
        ("BUCKET_NAME", "photos"),
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEXAMPLETOKEN"),
    ];
    let pairs = shared.iter().chain(more);
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn lambda(arguments: &Arguments) -> FunctionOptions {
    FunctionOptions {
        program: arguments.program.clone(),
        arguments: Vec::new(),
        folder: None,
        variables: variables(&[]),
        output: Arc::new(|_| {}),
    }
}

fn node(arguments: &Arguments) -> FunctionOptions {
    FunctionOptions {
        program: PathBuf::from("node"),
        arguments: vec![
            arguments.node_client.join("bin/index.mjs").into(),
            "handler.handler".into(),
        ],
        folder: Some(arguments.node_handler.clone()),
        variables: variables(&[("NODE_ENV", "production")]),
        output: Arc::new(|_| {}),
    }
}
