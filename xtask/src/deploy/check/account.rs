//! What the checks ask the account itself, by the AWS CLI.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::outcome::print_line;
use crate::{
    deploy::{
        carry_out,
        command_line::{CommandLine, Program},
        plan::Stack,
    },
    tools::Toolbox,
};

/// What CloudFormation says of a stack that is not there (AWS CloudFormation API Reference, DescribeStacks).
const NO_STACK: &str = "does not exist";

/// The account of a stack.
pub(super) struct Account<'a> {
    pub(super) stack: &'a Stack,
    pub(super) toolbox: &'a Toolbox<'a>,
}

/// A resource of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// Its type, such as `AWS::S3::Bucket`.
    pub(super) kind: String,
    /// Its name in the account: of a bucket or a log group, its name.
    pub(super) name: String,
}

impl Account<'_> {
    /// Runs the AWS CLI in the stack's region, and returns what it prints.
    ///
    /// # Errors
    /// What the command says, if it fails.
    pub(super) fn ask<'b>(&self, arguments: impl IntoIterator<Item = &'b str>) -> Result<Value> {
        let command = CommandLine::new(Program::Aws, []).with(arguments).with([
            "--region",
            &self.stack.region,
            "--output",
            "json",
        ]);
        print_line(format_args!("$ {command}"));
        let output = carry_out::start(&command, self.toolbox)?
            .output()
            .context("the AWS CLI does not run")?;
        if !output.status.success() {
            bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
        }
        if output.stdout.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&output.stdout).context("the AWS CLI does not print JSON")
    }

    /// The id of the stack, by which it can be asked about after it was deleted; `None` if there is no such stack.
    pub(super) fn stack_id(&self) -> Result<Option<String>> {
        let stack = [
            "cloudformation",
            "describe-stacks",
            "--stack-name",
            &self.stack.name,
        ];
        match self.ask(stack) {
            Ok(answer) => Ok(answer["Stacks"][0]["StackId"].as_str().map(str::to_owned)),
            Err(error) if error.to_string().contains(NO_STACK) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The resources of the stack with this name or id that have not been deleted, by their names in the template.
    pub(super) fn resources(&self, stack: &str) -> Result<BTreeMap<String, Resource>> {
        let list = ["cloudformation", "list-stack-resources", "--stack-name", stack];
        Ok(resources(&self.ask(list)?))
    }
}

/// Reads the answer of ListStackResources (AWS CloudFormation API Reference, `StackResourceSummary`).
fn resources(answer: &Value) -> BTreeMap<String, Resource> {
    let summaries = answer["StackResourceSummaries"].as_array();
    let there = summaries.into_iter().flatten().filter(|summary| {
        // What was not created has no name.
        summary["ResourceStatus"] != "DELETE_COMPLETE" && summary["PhysicalResourceId"] != ""
    });
    let pairs = there.filter_map(|summary| {
        let text = |name: &str| Some(summary[name].as_str()?.to_owned());
        let resource = Resource {
            kind: text("ResourceType")?,
            name: text("PhysicalResourceId")?,
        };
        Some((text("LogicalResourceId")?, resource))
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_resources_that_are_there_are_listed() {
        let summary = |id: &str, status: &str, name: Value| {
            json!({
                "LogicalResourceId": id,
                "ResourceType": "AWS::S3::Bucket",
                "PhysicalResourceId": name,
                "ResourceStatus": status,
            })
        };
        let answer = json!({"StackResourceSummaries": [
            summary("Kept", "DELETE_SKIPPED", json!("a")),
            summary("Gone", "DELETE_COMPLETE", json!("b")),
            summary("Failed", "CREATE_FAILED", json!("")),
            summary("Waiting", "CREATE_IN_PROGRESS", Value::Null),
        ]});
        let kept = Resource {
            kind: "AWS::S3::Bucket".to_owned(),
            name: "a".to_owned(),
        };
        assert_eq!(resources(&answer), BTreeMap::from([("Kept".to_owned(), kept)]));
        assert_eq!(resources(&Value::Null), BTreeMap::new());
    }
}
