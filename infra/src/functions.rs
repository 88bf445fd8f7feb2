//! CloudFormation's intrinsic functions (AWS CloudFormation User Guide, "Intrinsic function reference").

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

/// The values of a fictitious account and stack.
const PARTITION: &str = "aws";
const REGION: &str = "eu-central-1";
const ACCOUNT_ID: &str = "123456789012";
const STACK_NAME: &str = "slipway";
const STACK_ID: &str =
    "arn:aws:cloudformation:eu-central-1:123456789012:stack/slipway/6f1b2c3d-0a1b-4c5d-8e9f-001122334455";

/// Evaluates the functions of a template for some values of its parameters.
pub(crate) struct Functions<'a> {
    template: &'a Value,
    parameters: &'a BTreeMap<String, String>,
}

impl<'a> Functions<'a> {
    pub(crate) fn new(template: &'a Value, parameters: &'a BTreeMap<String, String>) -> Self {
        Self { template, parameters }
    }

    /// Whether the condition of a resource or an output holds, if it has one.
    pub(crate) fn exists(&self, entry: &Value) -> Result<bool> {
        match &entry["Condition"] {
            Value::String(name) => self.named_condition(name),
            _ => Ok(true),
        }
    }

    /// A value with all functions in it evaluated; `None` for `AWS::NoValue`.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<Value>> {
        Ok(Some(match value {
            Value::Array(items) => {
                let items = items.iter().filter_map(|item| self.value(item).transpose());
                Value::Array(items.collect::<Result<_>>()?)
            }
            Value::Object(pairs) => match function(pairs) {
                Some((name, argument)) => return self.call(name, argument),
                None => {
                    let pairs = pairs.iter().filter_map(|(name, value)| {
                        let value = self.value(value).transpose()?;
                        Some(value.map(|value| (name.clone(), value)))
                    });
                    Value::Object(pairs.collect::<Result<_>>()?)
                }
            },
            plain => plain.clone(),
        }))
    }

    fn call(&self, name: &str, argument: &Value) -> Result<Option<Value>> {
        Ok(Some(match name {
            "Ref" => match argument.as_str() {
                Some("AWS::NoValue") => return Ok(None),
                Some(name) => self.reference(name)?.into(),
                None => bail!("Ref of {argument}"),
            },
            "Fn::GetAtt" => self
                .attribute(&self.text(&argument[0])?, &self.text(&argument[1])?)?
                .into(),
            "Fn::If" => {
                let condition = argument[0].as_str().context("If without a condition's name")?;
                let branch = if self.named_condition(condition)? { 1 } else { 2 };
                return self.value(&argument[branch]);
            }
            "Fn::Sub" => self.substitute(argument)?.into(),
            "Fn::Join" => self.list(&argument[1])?.join(&self.text(&argument[0])?).into(),
            "Fn::Split" => {
                let (delimiter, text) = (self.text(&argument[0])?, self.text(&argument[1])?);
                text.split(&delimiter).collect()
            }
            "Fn::Select" => {
                let index = argument[0].as_u64().context("Select without an index")?;
                let list = self.list(&argument[1])?;
                let item = list.into_iter().nth(usize::try_from(index)?);
                item.context("Select from a list that is too short")?.into()
            }
            other => bail!("the function {other} is not known here"),
        }))
    }

    fn text(&self, value: &Value) -> Result<String> {
        match self.value(value)? {
            Some(Value::String(text)) => Ok(text),
            Some(Value::Number(number)) => Ok(number.to_string()),
            other => bail!("{other:?} is not text"),
        }
    }

    fn list(&self, value: &Value) -> Result<Vec<String>> {
        match self.value(value)? {
            Some(Value::Array(items)) => items.iter().map(|item| self.text(item)).collect(),
            other => bail!("{other:?} is not a list"),
        }
    }

    fn named_condition(&self, name: &str) -> Result<bool> {
        let condition = self.template["Conditions"].get(name);
        self.condition(condition.with_context(|| format!("there is no condition {name}"))?)
    }

    fn condition(&self, condition: &Value) -> Result<bool> {
        let condition = condition.as_object().and_then(function);
        let (name, argument) = condition.context("a condition is a function")?;
        let operands = || argument.as_array().context("a condition takes a list");
        match name {
            "Condition" => self.named_condition(argument.as_str().context("a condition's name is text")?),
            "Fn::Equals" => Ok(self.value(&argument[0])? == self.value(&argument[1])?),
            "Fn::Not" => Ok(!self.condition(&argument[0])?),
            "Fn::And" | "Fn::Or" => {
                let mut held = operands()?.iter().map(|operand| self.condition(operand));
                let held: Vec<bool> = held.by_ref().collect::<Result<_>>()?;
                Ok(if name == "Fn::And" {
                    held.iter().all(|held| *held)
                } else {
                    held.iter().any(|held| *held)
                })
            }
            other => bail!("the function {other} is not a condition"),
        }
    }

    /// The value of a parameter or pseudo parameter, or the physical id of a resource.
    fn reference(&self, name: &str) -> Result<String> {
        Ok(match name {
            "AWS::AccountId" => ACCOUNT_ID.to_owned(),
            "AWS::Partition" => PARTITION.to_owned(),
            "AWS::Region" => REGION.to_owned(),
            "AWS::StackId" => STACK_ID.to_owned(),
            "AWS::StackName" => STACK_NAME.to_owned(),
            "AWS::URLSuffix" => "amazonaws.com".to_owned(),
            _ => match self.parameters.get(name) {
                Some(value) => value.clone(),
                None => self.physical_id(name)?,
            },
        })
    }

    fn resource(&self, logical_id: &str) -> Result<&Value> {
        let resource = self.template["Resources"].get(logical_id);
        resource.with_context(|| format!("there is no resource {logical_id}"))
    }

    /// The name in the resource's properties, or else its logical id in lower case.
    fn physical_id(&self, logical_id: &str) -> Result<String> {
        let resource = self.resource(logical_id)?;
        ensure!(
            self.exists(resource)?,
            "{logical_id} is referred to, but its condition does not hold"
        );
        match &resource["Properties"]["BucketName"] {
            Value::Null => Ok(logical_id.to_lowercase()),
            name => self.text(name),
        }
    }

    /// An attribute: an ARN in its real form, anything else fictitious.
    fn attribute(&self, logical_id: &str, attribute: &str) -> Result<String> {
        let resource_type = self.resource(logical_id)?["Type"].as_str().unwrap_or_default();
        let physical_id = self.physical_id(logical_id)?;
        Ok(match (resource_type, attribute) {
            ("AWS::S3::Bucket", "Arn") => format!("arn:{PARTITION}:s3:::{physical_id}"),
            ("AWS::IAM::Role", "Arn") => format!("arn:{PARTITION}:iam::{ACCOUNT_ID}:role/{physical_id}"),
            ("AWS::KMS::Key", "Arn") => {
                format!("arn:{PARTITION}:kms:{REGION}:{ACCOUNT_ID}:key/{physical_id}")
            }
            ("AWS::CloudFront::Distribution", "DomainName") => format!("{physical_id}.cloudfront.net"),
            (_, "Arn") => {
                let service = resource_type
                    .split("::")
                    .nth(1)
                    .unwrap_or_default()
                    .to_lowercase();
                format!("arn:{PARTITION}:{service}:{REGION}:{ACCOUNT_ID}:{physical_id}")
            }
            (_, attribute) => format!("{physical_id}-{}", attribute.to_lowercase()),
        })
    }

    fn substitute(&self, argument: &Value) -> Result<String> {
        let (pattern, local) = match argument {
            Value::String(pattern) => (pattern.as_str(), None),
            _ => (
                argument[0].as_str().context("Sub without text")?,
                Some(&argument[1]),
            ),
        };
        let mut text = String::new();
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after.split_once('}').context("Sub with an open brace")?;
            text.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => text.push_str(&format!("${{{literal}}}")),
                None => text.push_str(&self.variable(name, local)?),
            }
            rest = after;
        }
        Ok(text + rest)
    }

    fn variable(&self, name: &str, local: Option<&Value>) -> Result<String> {
        if let Some(value) = local.and_then(|local| local.get(name)) {
            return self.text(value);
        }
        match name.split_once('.') {
            Some((logical_id, attribute)) => self.attribute(logical_id, attribute),
            None => self.reference(name),
        }
    }
}

/// The function that an object calls: its only name, if that is the name of a function.
fn function(pairs: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (name, argument) = pairs.iter().next().filter(|_| pairs.len() == 1)?;
    let is_function =
        name.starts_with("Fn::") || name == "Ref" || (name == "Condition" && argument.is_string());
    is_function.then_some((name, argument))
}
