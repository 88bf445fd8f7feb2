//! `cargo xtask serve`: the page against the local stack, until the user stops it.

use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    build::{Profile, TRIAL, compile_page, ensure_page_tools, pages_folder, trunk},
    host_check::{self, PORTS_CLOSED_TO_BROWSERS},
    link,
    process::Process,
    readiness,
    step::{seconds, step},
    tools::{SignInLibrary, Toolbox, ensure_sign_in_library},
};

/// How often to check whether the page works, and whether all processes still run.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The stack's default ports, which are used if they are free.
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
    /// Where uploaded objects are stored [default: local-data in the checkout]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Builds everything, runs it, and stops it when the user interrupts the task.
pub(crate) fn run(options: &Options, toolbox: &Toolbox) -> Result<ExitCode> {
    // Its path is known as long as nobody has compiled another one in its place.
    let this_program = std::env::current_exe()?;
    let (listener, ports) = Ports::choose(options.port)?;
    host_check::start(listener, ports.trunk);
    let profile = Profile::from_release(options.release);
    let stack = build(toolbox, profile)?;

    let data = options
        .data
        .clone()
        .unwrap_or_else(|| toolbox.project.root.join("local-data"));
    let folder = pages_folder(toolbox).join(format!("serve-{}", ports.page));
    let sign_in = SignIn::of_page(toolbox)?;
    let asks_for_sign_in = sign_in.is_some();
    let library = asks_for_sign_in
        .then(|| ensure_sign_in_library(toolbox))
        .transpose()?;
    let hooks = hooks(&this_program, library.as_ref());
    let mut trunk = trunk_command(toolbox, profile, &ports, &folder, &hooks)?;
    println!("==> starting the stack and the page's server");
    let start = Instant::now();
    let processes = vec![
        Process::start(
            "the local stack",
            &mut stack_command(&stack, &ports, &data, sign_in.as_ref()),
        )?,
        Process::start("trunk", &mut trunk)?,
    ];
    let is_ready = || readiness::check_page(&ports.origin(), asks_for_sign_in).is_ok();
    let outcome = supervise(processes, toolbox, is_ready, || {
        println!("    everything runs after {}", seconds(start.elapsed()));
        println!("uploaded objects are stored in {}", data.display());
        println!(
            "S3 is at http://127.0.0.1:{}, the API at {}/api",
            ports.s3,
            ports.origin()
        );
        if let Ok(address) = link::local_address(&ports.origin()) {
            println!("an upload link to try: {address}");
        }
        println!(
            "the element in a page to try it on: {}/{TRIAL}/index.html",
            ports.origin()
        );
        println!("ready: {}", ports.origin());
    });
    // The page is built again quickly, and another run may have another port.
    fs::remove_dir_all(&folder).ok();
    outcome
}

/// Sets up the tools while the page and the stack are compiled, and returns the folder of the stack's programs.
fn build(toolbox: &Toolbox, profile: Profile) -> Result<PathBuf> {
    thread::scope(|scope| {
        let tools = scope.spawn(|| ensure_page_tools(toolbox, profile));
        compile_page(toolbox, profile)?;
        let stack = step("building the local stack", || {
            toolbox.build_programs(&["local", "backend"])
        })?;
        if !tools.is_finished() {
            println!("==> waiting for the tools; what is left is to bind the page, in seconds");
        }
        match tools.join() {
            Ok(outcome) => outcome.map(|_| stack),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Different ports on 127.0.0.1.
struct Ports {
    page: u16,
    trunk: u16,
    s3: u16,
    second_s3: u16,
    api: u16,
}

impl Ports {
    /// The given port for the page, which is listened on at once, and for the stack its default ports or, if they are
    /// taken, any free ones.
    fn choose(page: u16) -> Result<(TcpListener, Self)> {
        let page = listen(page).with_context(|| {
            format!("port {page} is taken: stop what listens there, or choose another by --port")
        })?;
        // All listen at the same time, so that no port is chosen twice.
        let trunk = PORTS_CLOSED_TO_BROWSERS
            .into_iter()
            .find_map(|port| listen(port).ok())
            .context("no port that browsers do not connect to is free for trunk")?;
        let s3 = listen_at_or_elsewhere(USUAL_S3_PORT).context("no port is free for S3")?;
        let api = listen_at_or_elsewhere(USUAL_API_PORT).context("no port is free for the API")?;
        let second_s3 = listen_at_or_elsewhere(USUAL_SECOND_S3_PORT)
            .context("no port is free for S3's second endpoint")?;
        let ports = Self {
            second_s3: second_s3.local_addr()?.port(),
            page: page.local_addr()?.port(),
            trunk: trunk.local_addr()?.port(),
            s3: s3.local_addr()?.port(),
            api: api.local_addr()?.port(),
        };
        Ok((page, ports))
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

/// Where users sign in, according to `config.json`.
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

        let text = fs::read_to_string(toolbox.project.root.join("static/config.json"));
        let config: Config = serde_json::from_str(&text.context("config.json is missing")?)?;
        Ok(config.sign_in)
    }
}

fn stack_command(programs: &Path, ports: &Ports, data: &Path, sign_in: Option<&SignIn>) -> Command {
    let mut command = Command::new(programs.join("local"));
    command
        .args(["--s3-port", &ports.s3.to_string()])
        .args(["--second-s3-port", &ports.second_s3.to_string()])
        .args(["--api-port", &ports.api.to_string()])
        .args(["--allowed-origin", &ports.origin()])
        .args(["--allowed-origin", &format!("http://localhost:{}", ports.page)])
        .arg("--data")
        .arg(data)
        .args([
            "--lambda-variable",
            &format!("LINK_SECRET={}", link::LOCAL_SECRET),
        ])
        .args(["--lambda-variable", "LINK_MAKERS=*"])
        .arg("--lambda")
        .arg(programs.join("backend"));
    if let Some(sign_in) = sign_in {
        let audience = sign_in.audience.as_ref().unwrap_or(&sign_in.client_id);
        command
            .args(["--oidc-issuer", &sign_in.issuer])
            .args(["--oidc-audience", audience]);
    }
    command
}

/// Trunk adds a proxy from its command line to those of its configuration and does not replace them, so the API's port
/// goes into a configuration of this run's own.
fn trunk_command(
    toolbox: &Toolbox,
    profile: Profile,
    ports: &Ports,
    folder: &Path,
    hooks: &[Value],
) -> Result<Command> {
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    let root = &toolbox.project.root;
    let text = fs::read_to_string(root.join("Trunk.toml")).context("Trunk.toml is missing")?;
    let api = format!("http://127.0.0.1:{}", ports.api);
    let text = trunk_configuration(&text, root, &folder.join("dist"), &api, hooks)?;
    let configuration = folder.join("Trunk.toml");
    fs::write(&configuration, text)
        .with_context(|| format!("{} cannot be written", configuration.display()))?;

    let mut command = trunk(toolbox, profile)?;
    command
        .args(["serve", "--port"])
        .arg(ports.trunk.to_string())
        .args(profile.trunk_arguments())
        .arg("--config")
        .arg(&configuration);
    Ok(command)
}

/// What trunk does after each build: beside the page it puts the custom element, and the sign-in library if there is one.
fn hooks(this_program: &Path, library: Option<&SignInLibrary>) -> Vec<Value> {
    let mut hooks = vec![json!({
        "stage": "post_build",
        "command": this_program,
        "command_arguments": ["served-element"],
    })];
    if let Some(SignInLibrary { path, name }) = library {
        let copy = r#"cp "$0" "$TRUNK_STAGING_DIR/$1""#;
        hooks.push(json!({
            "stage": "post_build",
            "command": "sh",
            "command_arguments": ["-c", copy, path, name],
        }));
    }
    hooks
}

/// The checkout's `Trunk.toml` with absolute paths, so that it can be elsewhere, and with this run's folder, API and
/// hooks.
fn trunk_configuration(text: &str, root: &Path, dist: &Path, api: &str, hooks: &[Value]) -> Result<String> {
    let mut configuration: Value = toml::from_str(text).context("Trunk.toml is not TOML")?;
    let target = configuration["build"]["target"]
        .as_str()
        .context("Trunk.toml has no target")?;
    configuration["build"] = json!({"target": root.join(target), "dist": dist});
    for path in configuration["watch"]["watch"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        *path = json!(root.join(path.as_str().context("a path in Trunk.toml is not text")?));
    }
    for proxy in configuration["proxy"].as_array_mut().into_iter().flatten() {
        proxy["backend"] = json!(api);
    }
    configuration["hooks"] = json!(hooks);
    toml::to_string(&configuration).context("the configuration cannot be written as TOML")
}

/// Calls `on_ready` once `is_ready` returns true. Returns when the user interrupts the task; a process that ends by
/// itself is an error.
fn supervise(
    mut processes: Vec<Process>,
    toolbox: &Toolbox,
    is_ready: impl Fn() -> bool,
    on_ready: impl FnOnce(),
) -> Result<ExitCode> {
    let mut on_ready = Some(on_ready);
    while !toolbox.interrupt.wait(POLL_INTERVAL) {
        for process in &mut processes {
            if let Some(status) = process.exit_status()? {
                bail!("{} ended by itself: {status}", process.name());
            }
        }
        if on_ready.is_some()
            && is_ready()
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
        let (_listener, ports) = Ports::choose(0).expect("free ports");
        assert!(ports.page != ports.s3 && ports.page != ports.api && ports.s3 != ports.api);
        assert!(PORTS_CLOSED_TO_BROWSERS.contains(&ports.trunk));
    }

    #[test]
    fn a_taken_page_port_is_an_error_that_names_it() {
        let taken = listen(0).expect("a free port");
        let port = taken.local_addr().expect("an address").port();
        let error = Ports::choose(port).err().expect("the port is taken");
        assert!(
            error.to_string().contains(&format!("port {port} is taken")),
            "{error}"
        );
    }

    #[test]
    fn another_port_is_used_only_if_the_default_is_taken() {
        let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
        let first = listen(0).expect("a free port");
        let usual = port(&first);
        let elsewhere = listen_at_or_elsewhere(usual).expect("a free port");
        assert_ne!(port(&elsewhere), usual);
        drop(first);
        let again = listen_at_or_elsewhere(usual).expect("the port is free again");
        assert_eq!(port(&again), usual);
    }

    #[test]
    fn the_checkouts_trunk_configuration_can_be_elsewhere() {
        let library = SignInLibrary {
            path: "/cache/index.js".into(),
            name: "library-1.js".to_owned(),
        };
        let text = include_str!("../../Trunk.toml");
        let api = "http://127.0.0.1:7";
        let text = trunk_configuration(
            text,
            Path::new("/checkout"),
            Path::new("/run/dist"),
            api,
            &hooks(Path::new("/checkout/target/debug/xtask"), Some(&library)),
        );
        let configuration: Value = toml::from_str(&text.expect("a configuration")).expect("TOML");
        assert_eq!(
            configuration["build"],
            json!({"target": "/checkout/index.html", "dist": "/run/dist"})
        );
        let watched = configuration["watch"]["watch"].as_array().expect("paths");
        assert!(watched.contains(&json!("/checkout/src")), "{watched:?}");
        let proxy = json!([{"rewrite": "/api", "backend": api, "no_system_proxy": true}]);
        assert_eq!(configuration["proxy"], proxy);
        assert_eq!(
            configuration["hooks"][0]["command_arguments"],
            json!(["served-element"])
        );
        let hook = &configuration["hooks"][1];
        assert_eq!(hook["stage"], "post_build");
        assert_eq!(hook["command_arguments"][2], "/cache/index.js");
        assert_eq!(hook["command_arguments"][3], "library-1.js");
        assert!(configuration["tools"]["wasm_bindgen"].is_string());
    }
}
