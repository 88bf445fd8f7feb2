//! Decides on requests by policies (AWS IAM User Guide, "Policy evaluation logic" and "IAM JSON policy element
//! reference"). An element that is not known here is an error, so that no part of a policy is ignored.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    condition::{Conditions, conditions_hold},
    request::{OneOrMore, Request, matches},
};

/// A policy document.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Policy {
    version: String,
    statement: Vec<Statement>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Statement {
    #[serde(default)]
    sid: String,
    effect: Effect,
    #[serde(default)]
    principal: Option<Principals>,
    action: OneOrMore,
    resource: OneOrMore,
    #[serde(default)]
    condition: Conditions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// `"*"`, or principals by kind.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Principals {
    Everybody(String),
    Listed(BTreeMap<String, OneOrMore>),
}

/// The policies that apply to a request.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// The policies of the caller's role.
    pub identity: Vec<Policy>,
    /// The policies of the resource, such as a bucket.
    pub resource: Vec<Policy>,
}

/// The decision on a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// The statement with this id denies it.
    DeniedBy(String),
    /// No statement allows it.
    NotAllowed,
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// If it has an element that is not known here, or not the current version.
    pub fn read(document: &Value) -> Result<Self> {
        let policy: Self = serde_json::from_value(document.clone())
            .context("a policy has an element that is not known here")?;
        ensure!(
            policy.version == "2012-10-17",
            "a policy has the version {}",
            policy.version
        );
        Ok(policy)
    }
}

/// Decides on a request within one account: a denial in any policy wins; otherwise one permission is enough.
///
/// # Errors
/// If a condition is not known here.
pub fn decide(policies: &Policies, request: &Request) -> Result<Decision> {
    let all = policies.identity.iter().chain(&policies.resource);
    let mut allowed = false;
    for statement in all.flat_map(|policy| &policy.statement) {
        if statement.applies(request)? {
            match statement.effect {
                Effect::Deny => return Ok(Decision::DeniedBy(statement.sid.clone())),
                Effect::Allow => allowed = true,
            }
        }
    }
    Ok(if allowed {
        Decision::Allowed
    } else {
        Decision::NotAllowed
    })
}

impl Statement {
    fn applies(&self, request: &Request) -> Result<bool> {
        let action = request.action.to_lowercase();
        let names_action = self
            .action
            .any(|pattern| matches(&pattern.to_lowercase(), &action));
        let names_resource = self.resource.any(|pattern| matches(pattern, &request.resource));
        let names_principal = match &self.principal {
            None => true,
            Some(Principals::Everybody(text)) => text == "*",
            Some(Principals::Listed(kinds)) => kinds
                .get("AWS")
                .is_some_and(|roles| roles.any(|role| role == "*" || *role == request.principal)),
        };
        Ok(names_action && names_resource && names_principal && conditions_hold(&self.condition, request)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(action: &str, resource: &str) -> Request {
        Request {
            action: action.to_owned(),
            resource: resource.to_owned(),
            principal: "arn:aws:iam::123456789012:role/signing".to_owned(),
            context: BTreeMap::new(),
        }
    }

    fn check(statements: Value, request: Request, expected: Decision) {
        let policy =
            Policy::read(&json!({"Version": "2012-10-17", "Statement": statements})).expect("a policy");
        let policies = Policies {
            identity: vec![policy],
            resource: Vec::new(),
        };
        assert_eq!(
            decide(&policies, &request).expect("a decision"),
            expected,
            "{request:?}"
        );
    }

    #[test]
    fn a_denial_wins_over_a_permission_wherever_it_is() {
        let statements = json!([
            {"Sid": "Not", "Effect": "Deny", "Action": "s3:Delete*", "Resource": "*"},
            {"Effect": "Allow", "Action": ["S3:*"], "Resource": "arn:aws:s3:::photos/*"},
        ]);
        check(
            statements.clone(),
            request("s3:GetObject", "arn:aws:s3:::photos/a"),
            Decision::Allowed,
        );
        check(
            statements.clone(),
            request("s3:GetObject", "arn:aws:s3:::videos/a"),
            Decision::NotAllowed,
        );
        let denied = Decision::DeniedBy("Not".to_owned());
        check(
            statements,
            request("s3:DeleteObject", "arn:aws:s3:::photos/a"),
            denied,
        );
    }

    #[test]
    fn a_statement_for_another_principal_does_not_apply() {
        for (principal, expected) in [
            (json!("*"), Decision::Allowed),
            (
                json!({"AWS": "arn:aws:iam::123456789012:role/signing"}),
                Decision::Allowed,
            ),
            (
                json!({"AWS": ["arn:aws:iam::123456789012:role/other"]}),
                Decision::NotAllowed,
            ),
            (
                json!({"Service": "cloudfront.amazonaws.com"}),
                Decision::NotAllowed,
            ),
        ] {
            let statement = json!([{"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*"}]);
            check(
                statement,
                request("s3:GetObject", "arn:aws:s3:::photos/a"),
                expected,
            );
        }
    }

    #[test]
    fn an_unknown_element_is_an_error() {
        let statement = |extra: Value| {
            let mut statement = json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"});
            let fields = statement.as_object_mut().expect("an object");
            fields.extend(extra.as_object().expect("an object").clone());
            Policy::read(&json!({"Version": "2012-10-17", "Statement": [statement]}))
        };
        statement(json!({})).expect("a policy");
        for extra in [
            json!({"NotAction": "s3:*"}),
            json!({"NotPrincipal": "*"}),
            json!({"Effect": "allow"}),
        ] {
            assert!(statement(extra.clone()).is_err(), "{extra}");
        }
        assert!(Policy::read(&json!({"Version": "2008-10-17", "Statement": []})).is_err());
    }
}
