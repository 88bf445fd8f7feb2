//! The template: read from YAML, kept as JSON with every intrinsic function in its long form, and rendered.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::LazyLock};

use anyhow::{Context, Result, bail};
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use crate::functions::Functions;

/// The type of resource that SAM's globals apply to.
const FUNCTION: &str = "AWS::Serverless::Function";

/// What a value begins with that CloudFormation reads from Secrets Manager, and what stands for it here: a secret is a
/// text of letters and digits.
const DYNAMIC_SECRET: &str = "{{resolve:secretsmanager:";
const SECRET: &str = "Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFyYmF6Zm9vYmFy";

/// A CloudFormation template.
#[derive(Clone, Debug)]
pub struct Template(Value);

/// A template for some values of its parameters, without functions and conditions.
#[derive(Clone, Debug)]
pub struct Rendering(Value);

impl Template {
    /// The path of the production stack's template.
    pub fn path() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("template.yaml")
    }

    /// Reads the production stack's template.
    ///
    /// # Errors
    /// If it is not YAML that CloudFormation reads.
    pub fn read() -> Result<Self> {
        let path = Self::path();
        let text = fs::read_to_string(&path).with_context(|| format!("{} is missing", path.display()))?;
        Self::parse(&text)
    }

    /// Reads a template.
    ///
    /// # Errors
    /// If it is not one document of strings, integers, booleans, lists and objects.
    pub fn parse(text: &str) -> Result<Self> {
        let documents = Yaml::load_from_str(text)?;
        match documents.as_slice() {
            [document] => Ok(Self(to_json(document)?)),
            other => bail!("a template is one document, not {}", other.len()),
        }
    }

    /// The declarations of the parameters, by name.
    pub fn parameters(&self) -> &Map<String, Value> {
        object(&self.0["Parameters"])
    }

    /// The whole as JSON.
    pub fn json(&self) -> &Value {
        &self.0
    }

    /// The resources by logical id, not rendered.
    pub fn resources(&self) -> &Map<String, Value> {
        object(&self.0["Resources"])
    }

    /// Renders the template in a fictitious account, with these parameters and the defaults of the others.
    ///
    /// # Errors
    /// If a required parameter is missing, a given one is unknown, or something in the template is not known here.
    pub fn render(&self, parameters: &[(&str, &str)]) -> Result<Rendering> {
        let values = self.values(parameters)?;
        let template = self.with_globals();
        let functions = Functions::new(&template, &values);
        let mut rendered = Map::new();
        for section in ["Metadata", "Resources", "Outputs"] {
            let entries = object(&template[section]).iter();
            let mut kept = Map::new();
            for (name, entry) in entries {
                if functions.exists(entry)? {
                    let mut entry = functions.value(entry)?.unwrap_or_default();
                    if let Some(entry) = entry.as_object_mut() {
                        entry.remove("Condition");
                    }
                    kept.insert(name.clone(), entry);
                }
            }
            rendered.insert(section.to_owned(), Value::Object(kept));
        }
        for section in ["AWSTemplateFormatVersion", "Transform"] {
            rendered.insert(section.to_owned(), self.0[section].clone());
        }
        Ok(Rendering(Value::Object(rendered)))
    }

    /// The template with SAM's globals in the properties of each function (AWS SAM Developer Guide, "Globals section of
    /// the template").
    fn with_globals(&self) -> Value {
        let mut template = self.0.clone();
        let globals = template["Globals"]["Function"].take();
        if let Some(resources) = template["Resources"].as_object_mut() {
            let mut resources = resources.values_mut();
            for function in resources.by_ref().filter(|resource| resource["Type"] == FUNCTION) {
                merge(&mut function["Properties"], &globals);
            }
        }
        template
    }

    fn values(&self, given: &[(&str, &str)]) -> Result<BTreeMap<String, String>> {
        if let Some((name, _)) = given
            .iter()
            .find(|(name, _)| !self.parameters().contains_key(*name))
        {
            bail!("the template has no parameter {name}");
        }
        let value = |(name, parameter): (&String, &Value)| {
            let given = given.iter().find(|(given, _)| given == name);
            let value = match (given, &parameter["Default"]) {
                (Some((_, value)), _) => (*value).to_owned(),
                (None, Value::String(text)) => text.clone(),
                (None, Value::Null) => bail!("the parameter {name} needs a value"),
                (None, other) => other.to_string(),
            };
            Ok((name.clone(), value))
        };
        self.parameters().iter().map(value).collect()
    }
}

impl Rendering {
    /// The properties of a resource, or `None` if its condition does not hold.
    pub fn properties(&self, logical_id: &str) -> Option<&Value> {
        self.0["Resources"].get(logical_id)?.get("Properties")
    }

    /// An environment variable of a function. A secret that Secrets Manager would make is the same 44 letters and
    /// digits each time. `None` if the function or the variable is not there.
    pub fn variable(&self, function: &str, name: &str) -> Option<String> {
        let variables = &self.properties(function)?["Environment"]["Variables"];
        match &variables[name] {
            Value::Null => None,
            Value::String(text) if text.starts_with(DYNAMIC_SECRET) => Some(SECRET.to_owned()),
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        }
    }

    /// The logical ids of all resources of a type.
    pub fn resources_of_type(&self, resource_type: &str) -> Vec<&str> {
        let resources = object(&self.0["Resources"]).iter();
        resources
            .filter(|(_, resource)| resource["Type"] == resource_type)
            .map(|(logical_id, _)| logical_id.as_str())
            .collect()
    }

    /// The whole as JSON, which CloudFormation reads too.
    pub fn json(&self) -> &Value {
        &self.0
    }
}

/// Adds to `value` what only `more` has.
fn merge(value: &mut Value, more: &Value) {
    match (value, more) {
        (Value::Object(fields), Value::Object(more)) => {
            for (name, more) in more {
                merge(fields.entry(name.clone()).or_insert(Value::Null), more);
            }
        }
        (value @ Value::Null, more) => *value = more.clone(),
        _ => (),
    }
}

/// The value as an object, or an empty one if it is not an object.
fn object(value: &Value) -> &Map<String, Value> {
    static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    value.as_object().unwrap_or(&EMPTY)
}

fn to_json(node: &Yaml<'_>) -> Result<Value> {
    Ok(match node {
        Yaml::Value(scalar) => scalar_to_json(scalar)?,
        Yaml::Sequence(items) => Value::Array(items.iter().map(to_json).collect::<Result<_>>()?),
        Yaml::Mapping(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| {
                let name = name.as_str().context("a name in the template is not text")?;
                Ok((name.to_owned(), to_json(value)?))
            });
            Value::Object(pairs.collect::<Result<_>>()?)
        }
        Yaml::Tagged(tag, node) if tag.handle == "!" => in_long_form(&tag.suffix, to_json(node)?)?,
        other => bail!("CloudFormation does not read {other:?}"),
    })
}

fn scalar_to_json(scalar: &Scalar<'_>) -> Result<Value> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => (*value).into(),
        Scalar::Integer(value) => (*value).into(),
        Scalar::String(value) => value.as_ref().into(),
        Scalar::FloatingPoint(value) => bail!("the template has the fraction {value}"),
    })
}

/// A function's long form (AWS CloudFormation User Guide, "Intrinsic function reference").
fn in_long_form(name: &str, argument: Value) -> Result<Value> {
    let name = match name {
        "Ref" | "Condition" => name.to_owned(),
        _ => format!("Fn::{name}"),
    };
    let argument = match (name.as_str(), &argument) {
        ("Fn::GetAtt", Value::String(path)) => {
            let (logical_id, attribute) = path.split_once('.').context("GetAtt names no attribute")?;
            Value::from(vec![logical_id, attribute])
        }
        _ => argument,
    };
    Ok(Value::Object(Map::from_iter([(name, argument)])))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEMPLATE: &str = r#"
Parameters:
  Wide: {Type: String, Default: "false"}
  Name: {Type: String}
Conditions:
  IsWide: !Equals [!Ref Wide, "true"]
  IsNarrow: !Not [!Condition IsWide]
Resources:
  First:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Sub "${Name}-${AWS::Region}-${Second}"
      List: [!If [IsWide, wide, !Ref "AWS::NoValue"], !GetAtt First.Arn, 3, true]
      Parts: !Join ["-", !Split [",", "a,b"]]
      Part: !Select [1, !Split ["/", "a/b/c"]]
      Local: !Sub ["${A} ${Name} ${!Kept}", {A: !If [IsNarrow, narrow, wide]}]
  Second:
    Type: AWS::SNS::Topic
  Third:
    Type: AWS::SQS::Queue
    Condition: IsWide
"#;

    fn render(parameters: &[(&str, &str)]) -> Result<Rendering> {
        Template::parse(TEMPLATE)?.render(parameters)
    }

    #[test]
    fn functions_are_evaluated() {
        let rendering = render(&[("Name", "photos")]).expect("a rendering");
        assert_eq!(
            rendering.properties("First"),
            Some(&json!({
                "BucketName": "photos-eu-central-1-second",
                "List": ["arn:aws:s3:::photos-eu-central-1-second", 3, true],
                "Parts": "a-b",
                "Part": "b",
                "Local": "narrow photos ${Kept}",
            }))
        );
    }

    #[test]
    fn a_resource_exists_if_its_condition_holds() {
        let queues = |wide| {
            let rendering = render(&[("Name", "a"), ("Wide", wide)]).expect("a rendering");
            rendering.resources_of_type("AWS::SQS::Queue").len()
        };
        assert_eq!((queues("true"), queues("false")), (1, 0));
    }

    #[test]
    fn what_does_not_exist_cannot_be_referred_to() {
        let template = Template::parse(
            r#"
Parameters: {Wide: {Type: String, Default: "false"}}
Conditions: {IsWide: !Equals [!Ref Wide, "true"]}
Resources:
  First: {Type: AWS::S3::Bucket, Properties: {BucketName: !Ref Second}}
  Second: {Type: AWS::SQS::Queue, Condition: IsWide}
"#,
        )
        .expect("a template");
        template.render(&[("Wide", "true")]).expect("a rendering");
        template.render(&[]).expect_err("there is no Second");
    }

    #[test]
    fn globals_are_in_each_function() {
        let template = Template::parse(
            r#"
Globals: {Function: {Runtime: a, Environment: {Variables: {A: "1", B: !Ref "AWS::Region"}}}}
Resources:
  First: {Type: AWS::Serverless::Function, Properties: {Runtime: b, Environment: {Variables: {C: "3"}}}}
  Other: {Type: AWS::SQS::Queue, Properties: {}}
"#,
        );
        let rendering = template
            .and_then(|template| template.render(&[]))
            .expect("a rendering");
        assert_eq!(
            rendering.properties("First"),
            Some(&json!({
                "Runtime": "b",
                "Environment": {"Variables": {"A": "1", "B": "eu-central-1", "C": "3"}},
            }))
        );
        assert_eq!(rendering.properties("Other"), Some(&json!({})));
    }

    #[test]
    fn missing_and_unknown_parameters_are_refused() {
        assert!(render(&[]).is_err());
        assert!(render(&[("Name", "a"), ("Nane", "b")]).is_err());
    }

    #[test]
    fn yaml_that_no_template_needs_is_refused() {
        for text in ["a: 1\n---\nb: 2", "a: !!binary aGk=", "a: 1.5"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
