//! `cargo xtask serve`: the real page against the local stack, until the user stops it.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;

use crate::{
    npm,
    page::{self, Profile},
    process::{self, Process},
    readiness::Readiness,
    step::{seconds, step},
    tools::Toolbox,
    trunk_configuration,
};

/// How often it is looked whether an upload would work, and whether everything still runs.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Ports that the stack takes where they are free, as it does without being told.
const USUAL_S3_PORT: u16 = 9000;
const USUAL_API_PORT: u16 = 9001;
const USUAL_SECOND_S3_PORT: u16 = 9002;

/// The options of `cargo xtask serve`.
#[derive(Args)]
pub(crate) struct Options {
    /// The page's port on 127.0.0.1; 0 for any free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// Serve the page as it is deployed, small and optimised
    #[arg(long)]
    release: bool,
    /// Where uploaded objects land [default: local-data in the checkout]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Builds everything, runs it, and stops it when the user asks for it.
///
/// # Errors
/// Where something does not build or start, or one of the processes ends by itself.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    let ports = Ports::choose(options.port)?;
    let profile = Profile::from_release(options.release);
    page::compile(toolbox, profile)?;
    let stack = build_stack(toolbox)?;

    let data = options
        .data
        .clone()
        .unwrap_or_else(|| toolbox.project.root.join("local-data"));
    let folder = page::pages_folder(toolbox).join(format!("serve-{}", ports.page));
    let sign_in = SignIn::of_page(toolbox)?;
    let mut trunk = trunk_command(toolbox, profile, &ports, &folder, sign_in.is_some())?;
    println!("==> starting the stack and the page's server");
    let start = Instant::now();
    let processes = vec![
        Process::start(
            "the local stack",
            &mut stack_command(&stack, &ports, &data, sign_in.as_ref()),
        )?,
        Process::start("trunk", &mut trunk)?,
    ];
    let readiness = Readiness::of(&ports.origin(), sign_in.is_some());
    let outcome = supervise(processes, &readiness, toolbox, || {
        println!("    everything runs after {}", seconds(start.elapsed()));
        println!("uploaded objects land in {}", data.display());
        println!(
            "S3 is at http://127.0.0.1:{}, the API at {}/api",
            ports.s3,
            ports.origin()
        );
        println!("ready: {}", ports.origin());
    });
    // The page is built again in a moment, and another run may have another port.
    fs::remove_dir_all(&folder).ok();
    outcome
}

/// Different ports on 127.0.0.1.
struct Ports {
    page: u16,
    s3: u16,
    second_s3: u16,
    api: u16,
}

impl Ports {
    /// Takes the page's port as it was asked for, and other ports for the stack where its usual ones
    /// are taken.
    fn choose(page: u16) -> Result<Self> {
        let page = listen(page).with_context(|| {
            format!("port {page} is taken: stop what listens there, or choose another by --port")
        })?;
        // All are held together, so that none is given out twice.
        let s3 = listen_at_or_elsewhere(USUAL_S3_PORT).context("no port is free for S3")?;
        let api = listen_at_or_elsewhere(USUAL_API_PORT).context("no port is free for the API")?;
        let second_s3 = listen_at_or_elsewhere(USUAL_SECOND_S3_PORT)
            .context("no port is free for S3's second endpoint")?;
        Ok(Self {
            second_s3: second_s3.local_addr()?.port(),
            page: page.local_addr()?.port(),
            s3: s3.local_addr()?.port(),
            api: api.local_addr()?.port(),
        })
    }

    fn origin(&self) -> String {
        format!("http://127.0.0.1:{}", self.page)
    }
}

fn listen_at_or_elsewhere(port: u16) -> io::Result<TcpListener> {
    listen(port).or_else(|_| listen(0))
}

fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
}

/// Compiles the stack and gives its program.
fn build_stack(toolbox: &Toolbox) -> Result<PathBuf> {
    step("building the local stack", || {
        let mut command = Command::new("cargo");
        command.current_dir(&toolbox.project.root).args([
            "build",
            "--package",
            "local",
            "--package",
            "backend",
        ]);
        process::run("building the local stack", &mut command, toolbox.interrupt)
    })?;
    Ok(toolbox.project.target.join("debug/local"))
}

/// Where `config.json` says that people sign in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignIn {
    issuer: String,
    client_id: String,
    #[serde(default)]
    audience: Option<String>,
}

impl SignIn {
    fn of_page(toolbox: &Toolbox) -> Result<Option<Self>> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Config {
            #[serde(default)]
            sign_in: Option<SignIn>,
        }

        let text = fs::read_to_string(toolbox.project.root.join("config.json"));
        let config: Config = serde_json::from_str(&text.context("config.json is missing")?)?;
        Ok(config.sign_in)
    }
}

fn stack_command(program: &Path, ports: &Ports, data: &Path, sign_in: Option<&SignIn>) -> Command {
    let mut command = Command::new(program);
    command
        .args(["--s3-port", &ports.s3.to_string()])
        .args(["--second-s3-port", &ports.second_s3.to_string()])
        .args(["--api-port", &ports.api.to_string()])
        .args(["--allowed-origin", &ports.origin()])
        .args(["--allowed-origin", &format!("http://localhost:{}", ports.page)])
        .arg("--data")
        .arg(data)
        // The real program of the Lambda, which was built together with the stack.
        .arg("--lambda")
        .arg(program.with_file_name("backend"));
    if let Some(sign_in) = sign_in {
        let audience = sign_in.audience.as_ref().unwrap_or(&sign_in.client_id);
        command
            .args(["--oidc-issuer", &sign_in.issuer])
            .args(["--oidc-audience", audience]);
    }
    command
}

/// Trunk takes one proxy more from its command line but does not replace the one of its
/// configuration, so the API's port goes into a configuration of this run's own.
fn trunk_command(
    toolbox: &Toolbox,
    profile: Profile,
    ports: &Ports,
    folder: &Path,
    signs_in: bool,
) -> Result<Command> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let root = &toolbox.project.root;
    let text = fs::read_to_string(root.join("Trunk.toml")).context("Trunk.toml is missing")?;
    let api = format!("http://127.0.0.1:{}", ports.api);
    let mut text = trunk_configuration::relocate(&text, root, &folder.join("dist"), &api)?;
    if signs_in {
        let library = npm::ensure_sign_in_library(toolbox)?;
        text = trunk_configuration::with_sign_in_library(&text, &library)?;
    }
    let configuration = folder.join("Trunk.toml");
    fs::write(&configuration, text)
        .with_context(|| format!("{} cannot be written", configuration.display()))?;

    let mut command = page::trunk(toolbox, profile)?;
    command
        .args(["serve", "--port"])
        .arg(ports.page.to_string())
        .args(profile.trunk_arguments())
        .arg("--config")
        .arg(&configuration);
    Ok(command)
}

/// Calls `on_ready` once an upload would work, and ends when the user or a process does.
fn supervise(
    mut processes: Vec<Process>,
    readiness: &Readiness,
    toolbox: &Toolbox,
    on_ready: impl FnOnce(),
) -> Result<ExitCode> {
    let mut on_ready = Some(on_ready);
    while !toolbox.interrupt.wait(POLL_INTERVAL) {
        for process in &mut processes {
            if let Some(status) = process.ended()? {
                bail!("{} ended by itself: {status}", process.name());
            }
        }
        if on_ready.is_some()
            && readiness.probe().is_ok()
            && let Some(report) = on_ready.take()
        {
            report();
        }
    }
    println!("stopping");
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ports_of_one_run_differ() {
        let ports = Ports::choose(0).expect("free ports");
        assert!(ports.page != ports.s3 && ports.page != ports.api && ports.s3 != ports.api);
    }

    #[test]
    fn a_page_port_that_is_taken_is_an_error_that_names_it() {
        let taken = listen(0).expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let error = Ports::choose(port).err().expect("the port is taken");
        assert!(
            error.to_string().contains(&format!("port {port} is taken")),
            "{error}"
        );
    }

    #[test]
    fn another_port_is_found_only_where_the_usual_one_is_taken() {
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let first = listen(0).expect("a free port");
        let usual = port(&first);
        let elsewhere = listen_at_or_elsewhere(usual).expect("a free port");
        assert_ne!(port(&elsewhere), usual);
        drop(first);
        let again = listen_at_or_elsewhere(usual).expect("the port is free again");
        assert_eq!(port(&again), usual);
    }
}
