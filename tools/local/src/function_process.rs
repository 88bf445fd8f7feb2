//! A function's program, run as Lambda runs it: with its own environment variables, and with events from the
//! Runtime API.

use std::{
    ffi::OsString,
    fmt, io,
    path::PathBuf,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, BufReader},
    process::{Child, Command},
    sync::watch,
    task::JoinHandle,
};

use crate::{
    runtime_api::{RuntimeApi, Start},
    server::Server,
};

/// How long a program that cannot start may take to end.
const EXIT_TIMEOUT: Duration = Duration::from_secs(2);

/// Takes each line that a program writes to its standard output or error.
pub type LineSink = Arc<dyn Fn(&str) + Send + Sync>;

/// How a function's program is run.
#[derive(Clone)]
pub struct FunctionOptions {
    pub program: PathBuf,
    /// Its arguments; Lambda starts a `bootstrap` without any.
    pub arguments: Vec<OsString>,
    /// The folder that it runs in, as `/var/task` on Lambda; else this process's own.
    pub folder: Option<PathBuf>,
    /// Environment variables besides those that Lambda sets; of two with one name the last counts. The
    /// program sees nothing of this process's own environment but `PATH`.
    pub variables: Vec<(String, String)>,
    /// What its output goes to.
    pub output: LineSink,
}

impl fmt::Debug for FunctionOptions {
    /// The variables stay out of it, because they hold secrets.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FunctionOptions")
            .field("program", &self.program)
            .field("arguments", &self.arguments)
            .finish_non_exhaustive()
    }
}

/// Why a function did not answer.
#[derive(Debug, thiserror::Error)]
pub enum FunctionError {
    /// The program cannot be run.
    #[error("the function's program cannot be run: {0}")]
    Program(#[from] io::Error),
    /// It reported that it cannot start; the report is JSON.
    #[error("the function cannot start: {}", String::from_utf8_lossy(.0))]
    Start(Bytes),
    /// It ended.
    #[error("the function's program ended: {0}")]
    Ended(ExitStatus),
    /// It reported an error for the event; the report is JSON.
    #[error("the function failed: {}", String::from_utf8_lossy(.0))]
    Failed(Bytes),
    /// It did not answer within 30 seconds.
    #[error("the function did not answer in time")]
    TimedOut,
}

/// A running program of a function. Dropping it kills the program; [`FunctionProcess::stop`] waits for
/// its end too.
pub struct FunctionProcess {
    runtime_api: Arc<RuntimeApi>,
    server: Server,
    process_id: Option<u32>,
    ended: watch::Receiver<Option<ExitStatus>>,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl FunctionProcess {
    /// Starts the program and waits until it asks for its first event.
    ///
    /// # Errors
    /// If the program cannot be run, reports that it cannot start, or ends before it asks.
    pub async fn start(options: &FunctionOptions) -> Result<Self, FunctionError> {
        let runtime_api = Arc::new(RuntimeApi::new());
        let server = Server::start("Runtime API", 0, Arc::clone(&runtime_api)).await?;
        let child = command(options, server.port()).spawn()?;
        let process_id = child.id();
        let (stop, stopped) = watch::channel(());
        let (end, ended) = watch::channel(None);
        let task = tokio::spawn(supervise(child, Arc::clone(&options.output), stopped, end));
        let process = Self {
            runtime_api,
            server,
            process_id,
            ended,
            stop,
            task,
        };
        match process.await_start().await {
            Ok(()) => Ok(process),
            Err(error) => {
                // A program that has reported its failure ends by itself.
                tokio::time::timeout(EXIT_TIMEOUT, process.end()).await.ok();
                process.stop().await;
                Err(error)
            }
        }
    }

    async fn await_start(&self) -> Result<(), FunctionError> {
        let mut start = self.runtime_api.start();
        tokio::select! {
            biased;
            started = start.wait_for(|start| *start != Start::Pending) => match started.as_deref() {
                Ok(Start::Failed(report)) => Err(FunctionError::Start(report.clone())),
                _ => Ok(()),
            },
            status = self.end() => Err(FunctionError::Ended(status)),
        }
    }

    /// Sends the function an event, which on Lambda is always JSON, and waits for its answer.
    ///
    /// # Errors
    /// If the function fails, ends, or does not answer in time.
    pub async fn invoke(&self, event: impl Into<Bytes>) -> Result<Bytes, FunctionError> {
        tokio::select! {
            biased;
            outcome = self.runtime_api.invoke(event.into()) => match outcome {
                Ok(outcome) => outcome.map_err(FunctionError::Failed),
                Err(_) => Err(FunctionError::TimedOut),
            },
            status = self.end() => Err(FunctionError::Ended(status)),
        }
    }

    /// The id of the program's process.
    pub fn process_id(&self) -> Option<u32> {
        self.process_id
    }

    /// Whether the program has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// Waits for the program's end.
    async fn end(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.map(|status| *status);
        match status {
            Ok(Some(status)) => status,
            _ => std::future::pending().await,
        }
    }

    /// Kills the program, as Lambda does when it is no longer needed, and waits for its end.
    pub async fn stop(self) {
        self.stop.send_replace(());
        if let Err(error) = self.task.await {
            tracing::error!("the function's supervisor failed: {error}");
        }
        self.server.stop().await;
    }
}

fn command(options: &FunctionOptions, port: u16) -> Command {
    let mut command = Command::new(&options.program);
    let own = [
        ("AWS_LAMBDA_FUNCTION_NAME", "local".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/local".to_owned()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("LANG", "en_US.UTF-8".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ];
    if let Some(folder) = &options.folder {
        command.current_dir(folder);
    }
    command
        .args(&options.arguments)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(own)
        .envs(options.variables.iter().cloned())
        .env("AWS_LAMBDA_RUNTIME_API", format!("127.0.0.1:{port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// Forwards the program's output to its last line, and reports the status of a program that ended by itself.
async fn supervise(
    mut child: Child,
    output: LineSink,
    mut stopped: watch::Receiver<()>,
    ended: watch::Sender<Option<ExitStatus>>,
) {
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let running = async {
        tokio::select! {
            status = child.wait() => status.map(Some),
            _ = stopped.changed() => child.kill().await.map(|()| None),
        }
    };
    let (status, ..) = tokio::join!(running, forward(stdout, &output), forward(stderr, &output));
    match status {
        Ok(status) => {
            ended.send_replace(status);
        }
        Err(error) => tracing::error!("the function's program cannot be watched: {error}"),
    }
}

async fn forward(pipe: Option<impl AsyncRead + Unpin>, output: &LineSink) {
    let Some(pipe) = pipe else {
        return;
    };
    let mut lines = BufReader::new(pipe).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        output(&String::from_utf8_lossy(&line));
    }
}
