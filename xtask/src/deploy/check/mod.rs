//! `cargo xtask deploy --check`: what only a deployment can tell. It deploys a stack under a throw-away name, uses it as
//! the page, other pages and other clients do, prints of each thing whether it is right, and deletes everything again.

mod account;
mod alarm;
mod audit;
mod cors;
mod list;
mod outcome;
mod page;
mod presign;
mod removal;
mod session;
mod uploads;
mod verdict;
mod web;

use std::{
    collections::BTreeMap,
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Result, ensure};
use serde_json::{Map, Value};

use self::{
    account::{Account, Resource},
    outcome::{Outcome, Report, print_line},
    session::Session,
    web::Web,
};
use super::{
    carry_out,
    command_line::Outputs,
    page_files::Page,
    plan::{Stack, Step, change_set, delete_stack, deployment},
};
use crate::tools::Toolbox;

/// How long a URL of the stack may start an upload: the shortest time that the template accepts, because the check waits
/// for it.
const URL_EXPIRATION: Duration = Duration::from_secs(60);

/// The other origin that may use the stack. No page is there.
const OTHER_ORIGIN: &str = "https://check.example";

/// What the stack of a check has in place of the template's defaults, so that there is something to check.
const PARAMETERS: [(&str, &str); 5] = [
    ("AllowPlainPresign", "true"),
    ("InspectUploads", "true"),
    ("OtherOrigins", OTHER_ORIGIN),
    ("RefusedRequestsThreshold", "1"),
    ("UrlExpirationSeconds", "60"),
];

/// The parameters that a user can give with `--check`. Others would change what is checked, or leave something behind.
const MAY_BE_GIVEN: [&str; 3] = ["AlarmEmail", "Architecture", "SavedQueries"];

/// The parameters of the template of which one has to be given with `--check`.
const ALARM_EMAIL: &str = "AlarmEmail";

const CHANGE_SET: &str = "the change set with the defaults";
const DEPLOYMENT: &str = "the deployment";
const REMOVAL: &str = "nothing is left";

/// The name of the stack of a check that starts at this time.
pub(super) fn throw_away_name(now: SystemTime) -> String {
    let milliseconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("slipway-check-{milliseconds}")
}

/// Refuses parameters that cannot be given with `--check`.
pub(super) fn check_parameters(given: &[(String, String)]) -> Result<()> {
    for (name, _) in given {
        ensure!(
            MAY_BE_GIVEN.contains(&name.as_str()),
            "--check deploys with parameters of its own, and takes only {}: {name} cannot be given",
            MAY_BE_GIVEN.join(", ")
        );
    }
    Ok(())
}

/// What is deployed for a check.
pub(super) struct Plan<'a> {
    stack: &'a Stack,
    page: &'a Page,
    /// The steps to a change set with the defaults of the template.
    change_set: Vec<Step>,
    /// The steps to a stack that can be checked.
    deployment: Vec<Step>,
    has_alarm_email: bool,
}

impl<'a> Plan<'a> {
    /// The plan for a page and for the parameters that every deployment has or a user has given.
    pub(super) fn new(stack: &'a Stack, given: &Map<String, Value>, page: &'a Page) -> Self {
        let mut parameters = given.clone();
        parameters.extend(PARAMETERS.map(|(name, value)| (name.to_owned(), value.into())));
        Self {
            stack,
            page,
            change_set: change_set(stack, given),
            deployment: deployment(stack, &parameters, page),
            has_alarm_email: given.contains_key(ALARM_EMAIL),
        }
    }

    /// Prints what would be done.
    pub(super) fn show(&self) {
        carry_out::show(&self.change_set);
        carry_out::show(&self.deployment);
        for check in &list::CHECKS {
            println!("checks: {}", check.name);
        }
        println!("empties its buckets");
        println!("$ {}", delete_stack(self.stack));
        println!("deletes what the stack keeps: the upload bucket and the logs");
    }

    /// Deploys, checks, and deletes everything, whatever came of it and also after an interrupt. Fails if anything is
    /// wrong.
    pub(super) fn run(&self, toolbox: &Toolbox) -> Result<ExitCode> {
        let web = Web::new()?;
        let account = Account {
            stack: self.stack,
            toolbox,
        };
        let mut report = Report::default();
        // What a deployment prints panics if nobody reads it any more.
        let work = AssertUnwindSafe(|| self.deploy_and_check(&account, &web, &mut report));
        let has_panicked = panic::catch_unwind(work).is_err();
        let was_interrupted = toolbox.interrupt.wait(Duration::ZERO);
        toolbox.interrupt.forget();
        report.add(REMOVAL, removal::remove(&account));
        print_line(format_args!("\n{report}"));
        if report.found_nothing_wrong() && !was_interrupted && !has_panicked {
            Ok(ExitCode::SUCCESS)
        } else {
            Ok(ExitCode::FAILURE)
        }
    }

    fn deploy_and_check(&self, account: &Account<'_>, web: &Web, report: &mut Report) {
        let toolbox = account.toolbox;
        let judge = |result: Result<()>| list::unless_interrupted(toolbox.interrupt, || outcome(result));
        let change_set = carry_out::carry_out(&self.change_set, toolbox);
        report.add(CHANGE_SET, judge(change_set.map(drop)));
        let deployed = carry_out::carry_out(&self.deployment, toolbox)
            .and_then(|outputs| Ok((outputs, account.resources(&self.stack.name)?)));
        match deployed {
            Ok((outputs, resources)) => {
                report.add(DEPLOYMENT, Outcome::Right);
                let mut session = self.session(account, web, &outputs, resources);
                list::run(&mut session, report);
            }
            Err(error) => {
                report.add(DEPLOYMENT, judge(Err(error)));
                list::skip(report, "the stack was not deployed");
            }
        }
    }

    fn session<'b>(
        &'b self,
        account: &'b Account<'b>,
        web: &'b Web,
        outputs: &'b Outputs,
        resources: BTreeMap<String, Resource>,
    ) -> Session<'b> {
        Session {
            account,
            web,
            page: self.page,
            outputs,
            resources,
            small: None,
            expiring: None,
            is_condition_demanded: false,
            presigned: None,
            audit_line: None,
            has_alarm_email: self.has_alarm_email,
        }
    }
}

/// What came of a step that has no other answer than that it succeeds.
fn outcome(result: Result<()>) -> Outcome {
    match result {
        Ok(()) => Outcome::Right,
        Err(error) => Outcome::wrong(format!("{error:#}")),
    }
}

#[cfg(test)]
mod tests {
    use infra::Template;

    use super::*;

    #[test]
    fn a_throw_away_name_is_a_stacks_name_of_its_own() {
        let at = |milliseconds| throw_away_name(UNIX_EPOCH + Duration::from_millis(milliseconds));
        assert_eq!(at(1_796_000_000_000), "slipway-check-1796000000000");
        assert_ne!(at(1), at(2));
    }

    #[test]
    fn the_parameters_of_a_check_are_those_of_the_template() {
        let template = Template::read().expect("the template");
        let own = PARAMETERS.iter().map(|(name, _)| *name);
        for name in own.clone().chain(MAY_BE_GIVEN) {
            assert!(template.parameters().contains_key(name), "{name}");
        }
        assert!(MAY_BE_GIVEN.contains(&ALARM_EMAIL));
        assert!(own.clone().all(|name| !MAY_BE_GIVEN.contains(&name)));
        let expiration = PARAMETERS
            .iter()
            .find(|(name, _)| *name == "UrlExpirationSeconds");
        let (_, seconds) = expiration.expect("the parameter");
        assert_eq!(*seconds, URL_EXPIRATION.as_secs().to_string());
        let shortest = &template.parameters()["UrlExpirationSeconds"]["MinValue"];
        assert_eq!(shortest.as_u64(), Some(URL_EXPIRATION.as_secs()));
    }

    #[test]
    fn a_parameter_that_would_change_the_check_is_refused_by_name() {
        let pair = |name: &str| (name.to_owned(), "1".to_owned());
        check_parameters(&MAY_BE_GIVEN.map(pair)).expect("they may be given");
        let error = check_parameters(&[pair("CreateKmsKey")]).expect_err("it would leave a key behind");
        assert!(error.to_string().contains("CreateKmsKey"), "{error}");
    }
}
