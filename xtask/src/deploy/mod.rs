//! `cargo xtask deploy` and `cargo xtask destroy`: the stack of `infra/template.yaml` in an AWS account.

mod carry_out;
mod check;
mod command_line;
mod config;
mod page_files;
mod parameters;
mod plan;

use std::{
    fs,
    io::{self, BufRead},
    path::PathBuf,
    process::ExitCode,
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use self::{
    page_files::Page,
    plan::{Stack, deployment, describe_parameters, removal},
};
use crate::{
    build::{ARM64, Architecture, FUNCTIONS, Profile, X86_64, build_package, build_page},
    project::Project,
    step::step,
    tools::Toolbox,
};

/// The folder of the packages that the template names, in the checkout.
const PACKAGES: &str = "dist/lambda";

/// The page's policy without `connect-src`, one directive per line.
const CONTENT_SECURITY_POLICY: &str = "infra/content-security-policy.txt";

/// Which stack a task is about.
#[derive(Args)]
struct StackOptions {
    /// The stack's name
    #[arg(long, value_name = "NAME", default_value = "slipway", value_parser = parse_stack_name)]
    stack_name: String,
    /// The AWS region, such as eu-central-1
    #[arg(long, value_name = "REGION", value_parser = parse_region)]
    region: String,
    /// Print what would be done, and do nothing in the account
    #[arg(long)]
    dry_run: bool,
}

/// The options of `cargo xtask deploy`.
#[derive(Args)]
pub(crate) struct DeployOptions {
    #[command(flatten)]
    stack: StackOptions,
    /// A parameter of infra/template.yaml; may be given several times. The others keep their values
    #[arg(long = "parameter", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
    /// Deploy this built page instead of building one
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,
    /// Deploy under a throw-away name, use the stack in every way, print what is right and what is wrong, and delete it
    #[arg(long, conflicts_with = "stack_name")]
    check: bool,
}

/// The options of `cargo xtask destroy`.
#[derive(Args)]
pub(crate) struct DestroyOptions {
    #[command(flatten)]
    stack: StackOptions,
}

/// Builds everything, deploys it, and prints the page's address. A dry run builds too, because the commands name the
/// built files.
pub(crate) fn run(options: &DeployOptions, toolbox: &Toolbox) -> Result<ExitCode> {
    let page = match &options.page {
        Some(folder) => std::path::absolute(folder)?,
        None => build_page(toolbox, Profile::Release)?,
    };
    let page = Page::read(&page)?;
    let given = given_parameters(options, toolbox.project)?;
    if options.check {
        return check(options, &given, &page, toolbox);
    }
    let stack = options.stack.stack();
    let effective = parameters::effective(deployed_parameters(options, toolbox)?, &given)?;
    let rendering = parameters::check(&effective)?;
    pack_functions(architecture(&effective), toolbox)?;
    let steps = deployment(&stack, &given, &page);
    if options.stack.dry_run {
        carry_out::show(&steps);
        println!("the API, by the given parameters:");
        for route in parameters::routes(&rendering) {
            println!("    {route}");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let outputs = carry_out::carry_out(&steps, toolbox)?;
    let address = outputs
        .get("PageAddress")
        .context("the stack has no output PageAddress")?;
    if let Some(who) = outputs.get("WhoMayUpload") {
        println!("who may upload, besides those who have an upload link: {who}");
    }
    println!("the page: {address}");
    Ok(ExitCode::SUCCESS)
}

/// Checks what only a deployment can tell, in a stack that is there for nothing else.
fn check(
    options: &DeployOptions,
    given: &Map<String, Value>,
    page: &Page,
    toolbox: &Toolbox,
) -> Result<ExitCode> {
    check::check_parameters(&options.parameters)?;
    parameters::check(given)?;
    pack_functions(architecture(given), toolbox)?;
    let stack = Stack {
        name: check::throw_away_name(SystemTime::now()),
        region: options.stack.region.clone(),
    };
    let plan = check::Plan::new(&stack, given, page);
    if options.stack.dry_run {
        plan.show();
        return Ok(ExitCode::SUCCESS);
    }
    plan.run(toolbox)
}

/// Deletes a stack after its name was typed.
pub(crate) fn destroy(options: &DestroyOptions, toolbox: &Toolbox) -> Result<ExitCode> {
    let stack = options.stack.stack();
    let steps = removal(&stack);
    carry_out::show(&steps);
    if options.stack.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "The uploaded files, their key, the audit and the users of a user pool are kept; everything else is deleted for good."
    );
    println!("Type the stack's name to delete it:");
    confirm(&stack.name, io::stdin().lock())?;
    carry_out::carry_out(&steps, toolbox)?;
    println!("the stack {} is deleted", stack.name);
    Ok(ExitCode::SUCCESS)
}

/// Reads one line, which must be the stack's name.
fn confirm(name: &str, mut input: impl BufRead) -> Result<()> {
    let mut line = String::new();
    input.read_line(&mut line).context("no answer can be read")?;
    ensure!(
        line.trim() == name,
        "that is not the stack's name: nothing was deleted"
    );
    Ok(())
}

impl StackOptions {
    fn stack(&self) -> Stack {
        Stack {
            name: self.stack_name.clone(),
            region: self.region.clone(),
        }
    }
}

/// The parameters that the stack has already. A dry run does not look, because it touches no account.
fn deployed_parameters(options: &DeployOptions, toolbox: &Toolbox) -> Result<Map<String, Value>> {
    let command = describe_parameters(&options.stack.stack());
    println!("$ {command}");
    if options.stack.dry_run {
        return Ok(Map::new());
    }
    parameters::read_deployed(&mut carry_out::start(&command, toolbox)?)
}

/// The parameters that are passed: the page's policy, and those of the command line.
fn given_parameters(options: &DeployOptions, project: &Project) -> Result<Map<String, Value>> {
    let path = project.root.join(CONTENT_SECURITY_POLICY);
    let directives =
        fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let directives: Vec<_> = directives.lines().collect();
    let policy = ("PageContentSecurityPolicy".to_owned(), directives.join("; "));
    let given = options.parameters.iter().cloned();
    let parameters = [policy].into_iter().chain(given);
    Ok(parameters.map(|(name, value)| (name, value.into())).collect())
}

fn architecture(parameters: &Map<String, Value>) -> Architecture {
    match parameters.get("Architecture").and_then(Value::as_str) {
        Some("x86_64") => X86_64,
        _ => ARM64,
    }
}

fn pack_functions(architecture: Architecture, toolbox: &Toolbox) -> Result<()> {
    let folder = toolbox.project.root.join(PACKAGES);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be created", folder.display()))?;
    for function in FUNCTIONS {
        let package = build_package(toolbox, function, &architecture)?;
        step(&format!("packing {function}"), || {
            let path = folder.join(format!("{function}.zip"));
            // Another deployment may be uploading the package that is there.
            let copy = NamedTempFile::new_in(&folder)?;
            fs::copy(&package.path, copy.path())?;
            copy.persist(&path)
                .with_context(|| format!("{} cannot be written", path.display()))
        })?;
    }
    Ok(())
}

/// Checks a stack's name (AWS CloudFormation API Reference, CreateStack, `StackName`).
fn parse_stack_name(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let starts_with_letter = text.starts_with(|character: char| character.is_ascii_alphabetic());
    if starts_with_letter && text.len() <= 128 && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be at most 128 letters, digits and hyphens, starting with a letter")
    }
}

fn parse_region(text: &str) -> Result<String, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.contains('-') && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("must be the name of a region, such as eu-central-1")
    }
}

fn parse_parameter(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("must be NAME=VALUE, such as KeyPrefix=inbox"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stacks_name_confirms_its_deletion() {
        confirm("uploads", "uploads\n".as_bytes()).expect("its name");
        for answer in ["", "\n", "y\n", "Uploads\n", "uploads2\n"] {
            confirm("uploads", answer.as_bytes()).expect_err(answer);
        }
    }

    #[test]
    fn stack_names_are_those_of_cloudformation() {
        for name in ["slipway", "Slipway-2"] {
            assert_eq!(parse_stack_name(name).as_deref(), Ok(name));
        }
        for name in ["", "2", "-a", "a b", "a_b", "a;b", &"a".repeat(129)] {
            assert!(parse_stack_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_parameter_is_a_name_and_a_value() {
        let parsed = parse_parameter("ObjectTags=team=web");
        assert_eq!(parsed, Ok(("ObjectTags".to_owned(), "team=web".to_owned())));
        for text in ["", "KeyPrefix", "=a", "Key Prefix=a"] {
            assert!(parse_parameter(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn every_function_of_the_template_is_packed() {
        let template = include_str!("../../../infra/template.yaml");
        let packages = template
            .lines()
            .filter_map(|line| line.trim().strip_prefix("CodeUri: "));
        let expected: Vec<_> = FUNCTIONS
            .iter()
            .map(|function| format!("../{PACKAGES}/{function}.zip"))
            .collect();
        assert_eq!(packages.collect::<Vec<_>>(), expected);
    }
}
