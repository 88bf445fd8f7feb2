//! Child processes. Each leads a process group of its own, and the group is ended by the id that it was started
//! with, also if the task is interrupted.

use std::{
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

/// How often a task checks whether a child has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long a child may take to end after SIGTERM; then it is killed.
const GRACE_PERIOD: Duration = Duration::from_secs(5);

/// Whether the user asked the task to stop, by SIGINT, SIGTERM or SIGHUP.
pub(crate) struct Interrupt {
    state: Mutex<InterruptState>,
}

struct InterruptState {
    signals: Receiver<()>,
    seen: bool,
}

impl Interrupt {
    /// Installs the handler of the three signals.
    pub(crate) fn install() -> Result<Self> {
        let (sender, signals) = mpsc::channel();
        ctrlc::set_handler(move || {
            // If the receiver is gone, the process is about to end anyway.
            sender.send(()).ok();
        })
        .context("the signal handler cannot be installed")?;
        Ok(Self {
            state: Mutex::new(InterruptState { signals, seen: false }),
        })
    }

    /// Waits at most `time` for an interrupt, and returns whether one has arrived, now or earlier.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.seen {
            state.seen = state.signals.recv_timeout(time).is_ok();
        }
        state.seen
    }

    /// Forgets the interrupts so far, so that what cleans up after them can run. Another one interrupts that too.
    pub(crate) fn forget(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.signals.try_recv().is_ok() {}
        state.seen = false;
    }
}

/// A running child, which is stopped when this is dropped.
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command` without input, in a process group of its own.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| {
                format!(
                    "{name}: {} does not start",
                    command.get_program().to_string_lossy()
                )
            })?;
        Ok(Self {
            name: name.to_owned(),
            child,
        })
    }

    /// The name of the process in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How the process ended, or `None` if it is running.
    pub(crate) fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .with_context(|| format!("{} cannot be waited for", self.name))
    }

    /// Waits for the process to end. An interrupt stops it and is an error.
    pub(crate) fn wait(&mut self, interrupt: &Interrupt) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.exit_status()? {
                return Ok(status);
            }
            if interrupt.wait(POLL_INTERVAL) {
                self.stop();
                bail!("interrupted during {}", self.name);
            }
        }
    }

    /// Ends the process and what it started: SIGTERM first, SIGKILL for what is left after the grace period.
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::SIGTERM);
        let start = Instant::now();
        while start.elapsed() < GRACE_PERIOD && matches!(self.child.try_wait(), Ok(None)) {
            thread::sleep(POLL_INTERVAL);
        }
        self.signal(Signal::SIGKILL);
        self.child.wait().ok();
    }

    /// Signals the whole group. A group without members is not an error.
    fn signal(&self, signal: Signal) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            killpg(Pid::from_raw(id), signal).ok();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Runs `command` to its end; a failure and an interrupt are errors.
pub(crate) fn run(name: &str, command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let status = Process::start(name, command)?.wait(interrupt)?;
    ensure!(status.success(), "{name} failed: {status}");
    Ok(())
}

/// Runs `command` to its end and passes each line of its standard output to `on_line`.
pub(crate) fn run_reading_lines(
    name: &str,
    command: &mut Command,
    interrupt: &Interrupt,
    mut on_line: impl FnMut(&str) + Send,
) -> Result<ExitStatus> {
    let mut process = Process::start(name, command.stdout(Stdio::piped()))?;
    let output = process
        .child
        .stdout
        .take()
        .context("the standard output is not piped")?;
    thread::scope(|scope| {
        scope.spawn(|| forward_lines(output, &mut on_line));
        let status = process.wait(interrupt);
        // Whatever the process left behind would hold the pipe open forever.
        process.stop();
        status
    })
}

/// Passes each line on. Text that is not UTF-8 gets replacement characters.
fn forward_lines(output: ChildStdout, on_line: &mut impl FnMut(&str)) {
    let mut reader = BufReader::new(output);
    let mut line = Vec::new();
    while matches!(
        reader.by_ref().read_until(b'\n', &mut line),
        Ok(length) if length > 0
    ) {
        let text = String::from_utf8_lossy(&line);
        on_line(text.trim_end_matches(['\n', '\r']));
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An interrupt that arrives only if a test sends it, without touching the test process's signals.
    fn no_interrupt() -> (Interrupt, mpsc::Sender<()>) {
        let (sender, signals) = mpsc::channel();
        let state = Mutex::new(InterruptState { signals, seen: false });
        (Interrupt { state }, sender)
    }

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let (interrupt, _sender) = no_interrupt();
        run("the good one", &mut shell("exit 0"), &interrupt).expect("it succeeds");
        let error = run("the bad one", &mut shell("exit 3"), &interrupt).expect_err("it fails");
        let message = error.to_string();
        assert!(
            message.contains("the bad one") && message.contains('3'),
            "{message}"
        );
    }

    #[test]
    fn every_line_is_read_even_without_a_last_newline() {
        let (interrupt, _sender) = no_interrupt();
        let mut lines = Vec::new();
        let status = run_reading_lines("lines", &mut shell("printf 'a\\n\\nb'"), &interrupt, |line| {
            lines.push(line.to_owned());
        })
        .expect("it runs");
        assert!(status.success());
        assert_eq!(lines, ["a", "", "b"]);
    }

    /// The grandchild holds the pipe that the lines come from. A return long before the grandchild would end by
    /// itself means that it was ended.
    fn assert_ended_early(start: Instant) {
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "the grandchild was left to run"
        );
    }

    #[test]
    fn a_grandchild_that_outlives_its_parent_is_ended() {
        let (interrupt, _sender) = no_interrupt();
        let start = Instant::now();
        run_reading_lines("parent", &mut shell("sleep 600 & exit 0"), &interrupt, |_| ()).expect("it runs");
        assert_ended_early(start);
    }

    #[test]
    fn what_cleans_up_after_an_interrupt_can_be_interrupted_too() {
        let (interrupt, sender) = no_interrupt();
        for _ in 0..2 {
            sender.send(()).expect("the interrupt is there");
        }
        assert!(interrupt.wait(Duration::ZERO));
        interrupt.forget();
        run("cleaning up", &mut shell("exit 0"), &interrupt).expect("it runs");
        sender.send(()).expect("the interrupt is there");
        assert!(interrupt.wait(Duration::ZERO));
    }

    #[test]
    fn an_interrupt_ends_the_whole_group() {
        let (interrupt, sender) = no_interrupt();
        let start = Instant::now();
        let result = run_reading_lines(
            "parent",
            &mut shell("sleep 600 & echo started; wait"),
            &interrupt,
            |_| sender.send(()).expect("the task waits for it"),
        );
        let error = result.expect_err("it was interrupted");
        assert!(error.to_string().contains("interrupted"), "{error}");
        assert!(interrupt.wait(Duration::ZERO), "an interrupt is remembered");
        assert_ended_early(start);
    }
}
