//! The parameters of a deployment: what the stack has already, whether the functions accept them, and who may then call
//! the API.

use std::process::Command;

use anyhow::{Context, Result, bail};
use infra::{Rendering, Template};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The type of resource that has a function's variables, and that of a route of the API.
const FUNCTION: &str = "AWS::Serverless::Function";
const ROUTE: &str = "AWS::ApiGatewayV2::Route";

/// What CloudFormation says of a stack that is still to be created (AWS CloudFormation API Reference, DescribeStacks).
const NO_STACK: &str = "does not exist";

/// A parameter in the answer of DescribeStacks (AWS CloudFormation API Reference, `Parameter`).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    parameter_key: String,
    parameter_value: String,
}

/// Asks for the parameters of a stack; there are none if the stack does not exist yet.
///
/// # Errors
/// If the command fails otherwise, for instance without credentials.
pub(crate) fn read_deployed(command: &mut Command) -> Result<Map<String, Value>> {
    let output = command.output().context("the stack cannot be looked up")?;
    if output.status.success() {
        return parse(&output.stdout);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    if errors.contains(NO_STACK) {
        return Ok(Map::new());
    }
    bail!("the stack cannot be looked up:\n{errors}")
}

fn parse(answer: &[u8]) -> Result<Map<String, Value>> {
    // A stack without parameters has null here.
    let parameters: Option<Vec<Parameter>> =
        serde_json::from_slice(answer).context("the stack's parameters are not JSON")?;
    let pairs = parameters.unwrap_or_default().into_iter();
    Ok(pairs
        .map(|parameter| (parameter.parameter_key, parameter.parameter_value.into()))
        .collect())
}

/// The parameters that a deployment will have: those of the stack, and in their place those that are given. What the
/// template has no more is left out.
pub(crate) fn effective(
    deployed: Map<String, Value>,
    given: &Map<String, Value>,
) -> Result<Map<String, Value>> {
    let template = Template::read()?;
    let mut parameters = deployed;
    parameters.retain(|name, _| template.parameters().contains_key(name));
    parameters.extend(given.clone());
    Ok(parameters)
}

/// Reads the variables that the functions would have by these parameters as the functions themselves do.
///
/// # Errors
/// The first that a function would not accept, so that it could not start.
pub(crate) fn check(parameters: &Map<String, Value>) -> Result<Rendering> {
    let values: Vec<_> = parameters
        .iter()
        .map(|(name, value)| Ok((name.as_str(), value.as_str().context("a parameter is text")?)))
        .collect::<Result<_>>()?;
    let rendering = Template::read()?.render(&values)?;
    for function in rendering.resources_of_type(FUNCTION) {
        // Lambda sets the region.
        let region = |name: &str| (name == "AWS_REGION").then(|| "eu-central-1".to_owned());
        let variable = |name: &str| rendering.variable(function, name).or_else(|| region(name));
        match function {
            "SigningFunction" => drop(backend::Settings::from_variables(variable).with_context(refused)?),
            "VerdictFunction" => drop(verdict::Settings::from_variables(variable).with_context(refused)?),
            other => bail!("the settings of {other} are not known"),
        }
    }
    Ok(rendering)
}

/// The routes of the API: what each asks for, and how many requests per second it takes.
pub(crate) fn routes(rendering: &Rendering) -> Vec<String> {
    let routes = rendering.resources_of_type(ROUTE).into_iter();
    let described = routes.filter_map(|route| {
        let route = rendering.properties(route)?;
        let key = route["RouteKey"].as_str()?;
        let stage = rendering.properties("ApiStage")?;
        let limits = stage["RouteSettings"]
            .get(key)
            .unwrap_or(&stage["DefaultRouteSettings"]);
        let (_, path) = key.split_once(' ')?;
        let needed = if route["AuthorizationType"] != "NONE" {
            "a sign-in"
        } else if path == "/link" || path.starts_with("/link/") {
            "an upload link"
        } else {
            "nothing"
        };
        let rate = limits["ThrottlingRateLimit"].as_str()?;
        Some(format!("{key} needs {needed}; {rate} per second"))
    });
    described.collect()
}

fn refused() -> &'static str {
    "the functions would not start with these parameters"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Map<String, Value> {
        let policy = (
            "PageContentSecurityPolicy",
            "default-src 'none'; script-src 'self'",
        );
        let pairs = pairs.iter().chain([&policy]);
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect()
    }

    fn check_refused(pair: (&str, &str), variable: &str) {
        let inspected = ("InspectUploads", "true");
        let error = check(&parameters(&[pair, inspected])).expect_err(pair.1);
        assert!(format!("{error:#}").contains(variable), "{pair:?}: {error:#}");
    }

    #[test]
    fn what_a_function_would_refuse_is_not_deployed() {
        check_refused(("AllowedTypes", "png"), "ALLOWED_TYPES");
        check_refused(("ForbiddenTypes", "exe"), "FORBIDDEN_TYPES");
        check_refused(("ObjectTags", "aws:x=y"), "OBJECT_TAGS");
        check_refused(("ObjectTags", "a=1,a=2"), "OBJECT_TAGS");
        check_refused(("MaxUploadBytes", "0"), "MAX_UPLOAD_BYTES");
    }

    #[test]
    fn what_the_functions_accept_is_deployed() {
        check(&parameters(&[])).expect("the defaults");
        let all = [
            ("AllowedTypes", "image/*, application/pdf"),
            ("ForbiddenTypes", "none"),
            ("ObjectTags", "a=1,b=2"),
            ("InspectUploads", "true"),
            ("CreateUserPool", "true"),
        ];
        check(&parameters(&all)).expect("parameters");
        check(&parameters(&[("Typo", "1")])).expect_err("no such parameter");
    }

    #[test]
    fn routes_say_what_they_ask_for_and_how_often() {
        let all = [("UploadLinks", "true"), ("CreateUserPool", "true")];
        let routes = routes(&check(&parameters(&all)).expect("parameters"));
        for route in [
            "GET /health needs nothing; 100 per second",
            "POST /uploads needs a sign-in; 100 per second",
            "POST /links needs a sign-in; 100 per second",
            "GET /link needs an upload link; 20 per second",
            "POST /link/uploads needs an upload link; 20 per second",
        ] {
            assert!(routes.iter().any(|known| known == route), "{route}: {routes:?}");
        }
    }

    #[test]
    fn a_stack_keeps_what_is_not_given() {
        let answer = br#"[{"ParameterKey": "Architecture", "ParameterValue": "x86_64"},
            {"ParameterKey": "KeyPrefix", "ParameterValue": "inbox"},
            {"ParameterKey": "OfAnOlderTemplate", "ParameterValue": "1"}]"#;
        let deployed = parse(answer).expect("parameters");
        let given = Map::from_iter([("KeyPrefix".to_owned(), "outbox".into())]);
        let effective = effective(deployed, &given).expect("parameters");
        assert_eq!(
            effective,
            Map::from_iter([
                ("Architecture".to_owned(), "x86_64".into()),
                ("KeyPrefix".to_owned(), "outbox".into()),
            ])
        );
        assert_eq!(parse(b"null").expect("no parameters"), Map::new());
    }

    fn answer(script: &str) -> Result<Map<String, Value>> {
        read_deployed(Command::new("sh").args(["-c", script]))
    }

    #[test]
    fn only_a_stack_that_is_not_there_has_no_parameters() {
        let missing =
            "echo 'An error occurred (ValidationError): Stack with id x does not exist' >&2; exit 254";
        assert_eq!(answer(missing).expect("no stack"), Map::new());
        answer("echo 'Unable to locate credentials' >&2; exit 253").expect_err("no credentials");
        answer("echo '[{}]'").expect_err("no parameters");
    }
}
