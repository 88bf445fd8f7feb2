//! Deleting everything that a check has created, also what the template keeps when its stack is deleted.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use super::{
    account::{Account, Resource},
    outcome::{Outcome, print_line},
};
use crate::deploy::{carry_out, plan::delete_stack};

const BUCKET: &str = "AWS::S3::Bucket";
const BUCKET_POLICY: &str = "AWS::S3::BucketPolicy";
const LOG_GROUP: &str = "AWS::Logs::LogGroup";

/// What a stack of a check can keep, and has to be deleted by itself.
const KEPT: [&str; 2] = [BUCKET, LOG_GROUP];

/// The codes of the errors that say that there is no such bucket or log group.
const GONE: [&str; 2] = ["(NoSuchBucket)", "(ResourceNotFoundException)"];

/// How many objects are deleted by one command.
const BATCH: usize = 200;

/// Empties the buckets, deletes the stack, and deletes what it has kept. Each step is tried, whatever became of the
/// others; right if nothing is left.
pub(super) fn remove(account: &Account<'_>) -> Outcome {
    let mut faults = Vec::new();
    match account.stack_id() {
        Ok(Some(id)) => remove_stack(account, &id, &mut faults),
        Ok(None) => (),
        Err(error) => faults.push(format!("the stack cannot be looked up: {error:#}")),
    }
    if faults.is_empty() {
        return Outcome::Right;
    }
    let stack = account.stack;
    faults.push(format!(
        "look what is left of the stack {} in {}, and delete it",
        stack.name, stack.region
    ));
    Outcome::of_faults(&faults)
}

fn remove_stack(account: &Account<'_>, id: &str, faults: &mut Vec<String>) {
    let before = account.resources(id).unwrap_or_else(|error| {
        faults.push(format!("its resources cannot be listed: {error:#}"));
        BTreeMap::new()
    });
    for resource in before.values().filter(|resource| resource.kind == BUCKET) {
        if let Err(error) = empty_bucket(account, &resource.name) {
            faults.push(format!(
                "the bucket {} cannot be emptied: {error:#}",
                resource.name
            ));
        }
    }
    if let Err(error) = delete(account, id) {
        faults.push(format!("the stack cannot be deleted: {error:#}"));
        return;
    }
    let mut kept = account.resources(id).unwrap_or_else(|error| {
        faults.push(format!("what the stack has kept cannot be listed: {error:#}"));
        BTreeMap::new()
    });
    // MiniStack does not list what a deleted stack has kept.
    let could_be_kept = before
        .into_iter()
        .filter(|(_, resource)| KEPT.contains(&resource.kind.as_str()));
    kept.extend(could_be_kept);
    faults.extend(
        kept.values()
            .filter_map(|resource| delete_kept(account, resource)),
    );
}

/// Deletes the stack by SAM, which also deletes the packages that it has uploaded; and by CloudFormation if SAM leaves
/// it, as it may leave a stack that has nothing but a change set.
fn delete(account: &Account<'_>, id: &str) -> Result<()> {
    let command = delete_stack(account.stack);
    print_line(format_args!("$ {command}"));
    let by_sam = carry_out::start(&command, account.toolbox)
        .and_then(|mut process| account.toolbox.run("sam", &mut process));
    let was_interrupted = account.toolbox.interrupt.wait(Duration::ZERO);
    if was_interrupted || account.stack_id()?.is_none() {
        return by_sam;
    }
    account.ask(["cloudformation", "delete-stack", "--stack-name", id])?;
    account.ask([
        "cloudformation",
        "wait",
        "stack-delete-complete",
        "--stack-name",
        id,
    ])?;
    Ok(())
}

/// Deletes what the template keeps, if it is there, and returns what keeps it from being deleted.
fn delete_kept(account: &Account<'_>, resource: &Resource) -> Option<String> {
    let Resource { kind, name } = resource;
    let command = match kind.as_str() {
        BUCKET => ["s3api", "delete-bucket", "--bucket", name],
        LOG_GROUP => ["logs", "delete-log-group", "--log-group-name", name],
        // It goes with its bucket.
        BUCKET_POLICY => return None,
        _ => return Some(format!("the {kind} {name} is left")),
    };
    let error = format!("{:#}", account.ask(command).err()?);
    let is_gone = GONE.iter().any(|code| error.contains(code));
    (!is_gone).then(|| format!("the {kind} {name} is left: {error}"))
}

/// Deletes every version of every object.
fn empty_bucket(account: &Account<'_>, bucket: &str) -> Result<()> {
    let batch = BATCH.to_string();
    loop {
        let list = [
            "s3api",
            "list-object-versions",
            "--bucket",
            bucket,
            "--max-items",
            &batch,
        ];
        let versions = versions(&account.ask(list)?);
        if versions.is_empty() {
            return Ok(());
        }
        let delete = json!({"Objects": versions, "Quiet": true}).to_string();
        let delete = ["s3api", "delete-objects", "--bucket", bucket, "--delete", &delete];
        let answer = account.ask(delete)?;
        if let Some(error) = answer["Errors"].get(0) {
            bail!("{error}");
        }
    }
}

/// What an answer of ListObjectVersions lists, as DeleteObjects takes it (Amazon S3 API Reference,
/// `ObjectIdentifier`).
fn versions(answer: &Value) -> Vec<Value> {
    let lists = ["Versions", "DeleteMarkers"].map(|name| answer[name].as_array());
    let versions = lists.into_iter().flatten().flatten();
    versions
        .map(|version| json!({"Key": version["Key"], "VersionId": version["VersionId"]}))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_delete_markers_are_deleted() {
        let answer = json!({
            "Versions": [{"Key": "a", "VersionId": "1", "IsLatest": false, "Size": 3}],
            "DeleteMarkers": [{"Key": "a", "VersionId": "2", "IsLatest": true}],
        });
        assert_eq!(
            versions(&answer),
            [
                json!({"Key": "a", "VersionId": "1"}),
                json!({"Key": "a", "VersionId": "2"})
            ]
        );
        assert_eq!(versions(&Value::Null), Vec::<Value>::new());
    }
}
