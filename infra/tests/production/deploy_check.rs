//! `cargo xtask deploy --check` against MiniStack: what is right there, what MiniStack cannot do, and that nothing is
//! left of the stack, whatever became of it. A test fails as soon as MiniStack can do more or less.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use crate::{
    deployment::{architecture, page},
    linters::tool,
    ministack::{MiniStack, REGION},
};

/// What is printed of each check where the stack is MiniStack's, in this order.
const REPORT: [&str; 29] = [
    "right     the change set with the defaults",
    "right     the deployment",
    "right     the page and its headers",
    "not here  the page's program, compressed: MiniStack's CloudFront does not compress (content-encoding is \"\" \
     and not \"br\")",
    "not here  the API on the page's origin: MiniStack's CloudFront does not forward calls to the API (/api/health \
     answers 502)",
    "right     a refusal of a wrong request",
    "right     a plan",
    "right     PUT",
    "right     a second PUT (412)",
    "right     a multipart upload",
    "not here  no write without a condition (403): MiniStack does not know the policy's condition key \
     s3:if-none-match (the bucket stored an object without If-None-Match)",
    "right     PUT by /presign",
    "not here  a second PUT by /presign (412): MiniStack does not know If-None-Match in a query (the second PUT \
     answers 200)",
    "not here  the policy sees the condition in a query: MiniStack does not know the policy's condition key \
     s3:if-none-match (the policy was not seen refusing anything, so that a PUT proves nothing)",
    "right     CORS of the bucket for the page",
    "right     CORS of the bucket for another origin",
    "not here  CORS of the API for another origin: MiniStack's CloudFormation does not set up an API's CORS (the \
     answer to https://check.example is 403 and allows \"\")",
    "right     CORS of the page's files for another origin",
    "right     no CORS of the bucket for a foreign origin",
    "not here  the verdict on a harmless file: MiniStack's functions reach S3 without TLS, which the bucket's policy \
     refuses (/verdicts answers 500: {\"error\":{\"code\":\"InternalError\",\"message\":\"the verdict cannot be \
     read\"}})",
    "not here  a forbidden file cannot be read: MiniStack's functions reach S3 without TLS, which the bucket's policy \
     refuses (/verdicts answers 500: {\"error\":{\"code\":\"InternalError\",\"message\":\"the verdict cannot be \
     read\"}})",
    "right     the audit line of an upload",
    "not here  the visitor's address in it: MiniStack's CloudFront does not forward calls to the API (it is \
     \"127.0.0.1\", as that of who called the API)",
    "right     an expired URL (403)",
    "not here  an alarm: MiniStack makes no metrics of the functions' logs (a refused request did not raise it)",
    "not here  the alarm's mail: nobody gets it; give --parameter AlarmEmail=you@example.com",
    "not here  an upload link: the throw-away stack has no upload links",
    "right     nothing is left",
    "16 right, 0 wrong, 12 could not be checked here",
];

#[test]
fn a_deployment_is_checked_as_far_as_ministack_goes() {
    let aws = MiniStack::start();
    let mut command = check(&aws);
    command.args(["--parameter", "SavedQueries=false"]);
    let (success, report) = run(&mut command);
    assert_eq!(report, REPORT);
    assert!(success, "what cannot be checked here is no failure");
    assert_nothing_is_left(&aws);
}

#[test]
fn a_failed_deployment_is_wrong_and_deleted() {
    let aws = MiniStack::start();
    // MiniStack has no saved queries, so that the stack cannot be deployed.
    let (success, report) = run(&mut check(&aws));
    assert!(!success, "{report:?}");
    assert!(report[1].starts_with("WRONG     the deployment: "), "{report:?}");
    assert!(
        report[2..report.len() - 2]
            .iter()
            .all(|line| line.ends_with(": the stack was not deployed")),
        "{report:?}"
    );
    assert_eq!(report[report.len() - 2], "right     nothing is left");
    assert_nothing_is_left(&aws);
}

#[test]
fn an_interrupted_check_leaves_nothing() {
    let aws = MiniStack::start();
    let report = interrupted_after("right     the change set with the defaults", &aws);
    assert_eq!(report[1], "not here  the deployment: interrupted");
    let report = interrupted_after("right     the deployment", &aws);
    assert_eq!(report[report.len() - 3], "not here  an upload link: interrupted");
}

#[test]
fn a_check_that_nobody_reads_on_leaves_nothing() {
    let aws = MiniStack::start();
    // What a deployment prints cannot be written from then on.
    let (mut process, lines) = start_until("right     the change set with the defaults", &aws);
    drop(lines);
    assert!(!process.wait().expect("the task ends").success());
    assert_nothing_is_left(&aws);
    // As by Ctrl-C in a pipeline, which ends the reader too.
    let (mut process, lines) = start_until("right     the deployment", &aws);
    drop(lines);
    interrupt(&process);
    assert!(!process.wait().expect("the task ends").success());
    assert_nothing_is_left(&aws);
}

/// The report of a check that is interrupted once it has printed a line.
fn interrupted_after(line: &str, aws: &MiniStack) -> Vec<String> {
    let (mut process, lines) = start_until(line, aws);
    interrupt(&process);
    let report = report(lines);
    assert!(!process.wait().expect("the task ends").success(), "{report:?}");
    assert_eq!(report[report.len() - 2], "right     nothing is left");
    assert_nothing_is_left(aws);
    report
}

fn interrupt(process: &Child) {
    let id = i32::try_from(process.id()).expect("an id");
    kill(Pid::from_raw(id), Signal::SIGINT).expect("the task runs");
}

/// A check that has printed a line, and the lines that it prints after that.
fn start_until(line: &str, aws: &MiniStack) -> (Child, impl Iterator<Item = String> + use<>) {
    let mut command = check(aws);
    command.args(["--parameter", "SavedQueries=false"]);
    let mut process = command.stdout(Stdio::piped()).spawn().expect("the task starts");
    let lines = BufReader::new(process.stdout.take().expect("an output")).lines();
    let mut lines = lines.map(|line| line.expect("a line"));
    assert!(lines.any(|printed| printed == line));
    (process, lines)
}

fn check(aws: &MiniStack) -> Command {
    let mut command = aws.command(tool("SLIPWAY_XTASK"));
    command.args(["deploy", "--check", "--region", REGION]);
    command.arg("--page").arg(page());
    command.args(["--parameter", &format!("Architecture={}", architecture())]);
    command
}

/// Runs a check to its end, and returns whether it succeeded, and the lines of its report.
fn run(command: &mut Command) -> (bool, Vec<String>) {
    let output = command.output().expect("the task runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let report = report(text.lines().map(str::to_owned));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(report.len() > 1, "{text}\n{errors}");
    (output.status.success(), report)
}

/// The last lines, after the last that is empty.
fn report(lines: impl Iterator<Item = String>) -> Vec<String> {
    lines.fold(Vec::new(), |mut report, line| {
        if line.is_empty() {
            report.clear();
        } else {
            report.push(line);
        }
        report
    })
}

/// The account has nothing of a check but the bucket that SAM keeps for the templates of every stack.
fn assert_nothing_is_left(aws: &MiniStack) {
    let names = |answer: &Value, list: &str, name: &str| -> Vec<String> {
        let list = answer[list].as_array().into_iter().flatten();
        let names = list.map(|entry| entry[name].as_str().expect("a name").to_owned());
        names
            .filter(|name| !name.starts_with("aws-sam-cli-managed-default"))
            .collect()
    };
    let buckets = aws.aws(&["s3api", "list-buckets"]);
    assert_eq!(names(&buckets, "Buckets", "Name"), Vec::<String>::new());
    let logs = aws.aws(&["logs", "describe-log-groups"]);
    assert_eq!(names(&logs, "logGroups", "logGroupName"), Vec::<String>::new());
    let stacks = aws.aws(&["cloudformation", "describe-stacks"]);
    assert_eq!(names(&stacks, "Stacks", "StackName"), Vec::<String>::new());
}
