//! Conditions of statements (AWS IAM User Guide, "IAM JSON policy elements: Condition operators").

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use crate::request::{OneOrMore, Request, matches};

/// The values that a statement requires, by operator and condition key.
pub(crate) type Conditions = BTreeMap<String, BTreeMap<String, OneOrMore>>;

/// Whether all of a statement's conditions hold.
pub(crate) fn conditions_hold(conditions: &Conditions, request: &Request) -> Result<bool> {
    for (operator, keys) in conditions {
        for (key, expected) in keys {
            if !holds(operator, key, expected, request)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Compares a value of the request with one of the statement.
type Compare = fn(found: &str, expected: &str) -> Result<bool>;

/// How an operator compares two values, and whether it negates the result.
struct Comparison {
    compare: Compare,
    negated: bool,
}

fn holds(operator: &str, key: &str, expected: &OneOrMore, request: &Request) -> Result<bool> {
    let found = found(request, key);
    if operator == "Null" {
        return Ok(expected.any(|expected| (expected == "true") == found.is_none()));
    }
    let (set, operator) = match operator.strip_prefix("ForAnyValue:") {
        Some(operator) => (true, operator),
        None => (false, operator),
    };
    let (optional, operator) = match operator.strip_suffix("IfExists") {
        Some(operator) => (true, operator),
        None => (false, operator),
    };
    let comparison = comparison(operator)?;
    let Some(found) = found else {
        // A missing key differs from every value, but a set without values has none that matches.
        return Ok(optional || (comparison.negated && !set));
    };
    ensure!(set || found.len() == 1, "{key} has several values for {operator}");
    for found in found {
        if comparison.fits(found, expected)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The request's values of a condition key, whose name is not case-sensitive.
fn found<'a>(request: &'a Request, key: &str) -> Option<&'a Vec<String>> {
    let mut known = request.context.iter();
    known
        .find(|(known, _)| known.eq_ignore_ascii_case(key))
        .map(|(_, values)| values)
}

impl Comparison {
    /// Several values in a statement are alternatives; with a negated operator none of them may match.
    fn fits(&self, found: &str, expected: &OneOrMore) -> Result<bool> {
        let mut fault = None;
        let any = expected.any(|expected| match (self.compare)(found, expected) {
            Ok(fits) => fits,
            Err(error) => {
                fault = Some(error);
                false
            }
        });
        match fault {
            Some(error) => Err(error),
            None => Ok(any != self.negated),
        }
    }
}

fn comparison(operator: &str) -> Result<Comparison> {
    let (compare, negated): (Compare, bool) = match operator {
        "StringEquals" => (|found, expected| Ok(found == expected), false),
        "StringNotEquals" => (|found, expected| Ok(found == expected), true),
        "StringLike" | "ArnEquals" | "ArnLike" => (|found, expected| Ok(matches(expected, found)), false),
        "ArnNotEquals" | "ArnNotLike" => (|found, expected| Ok(matches(expected, found)), true),
        "Bool" => (|found, expected| Ok(found.eq_ignore_ascii_case(expected)), false),
        "NumericGreaterThan" => (|found, expected| Ok(number(found)? > number(expected)?), false),
        "NumericLessThan" => (|found, expected| Ok(number(found)? < number(expected)?), false),
        other => bail!("the operator {other} is not known here"),
    };
    Ok(Comparison { compare, negated })
}

fn number(text: &str) -> Result<f64> {
    text.parse().with_context(|| format!("{text:?} is not a number"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Checks a condition on a request whose key `K` has these values.
    fn check(condition: Value, values: &[&str], expected: bool) {
        let conditions: Conditions = serde_json::from_value(condition.clone()).expect("conditions");
        let texts: Vec<_> = values.iter().map(|value| (*value).to_owned()).collect();
        let context = (!texts.is_empty()).then(|| ("K".to_owned(), texts));
        let request = Request {
            action: String::new(),
            resource: String::new(),
            principal: String::new(),
            context: context.into_iter().collect(),
        };
        let held = conditions_hold(&conditions, &request).expect("the operator is known");
        assert_eq!(held, expected, "{condition} of {values:?}");
    }

    #[test]
    fn values_are_compared_by_the_operator() {
        check(json!({"StringEquals": {"k": ["a", "b"]}}), &["b"], true);
        check(json!({"StringEquals": {"k": ["a", "b"]}}), &["c"], false);
        check(json!({"StringNotEquals": {"k": ["a", "b"]}}), &["b"], false);
        check(json!({"StringNotEquals": {"k": ["a", "b"]}}), &["c"], true);
        check(json!({"StringLike": {"k": "a*"}}), &["ab"], true);
        check(
            json!({"ArnNotEquals": {"k": ["arn:a", "arn:b"]}}),
            &["arn:b"],
            false,
        );
        check(json!({"Bool": {"k": "false"}}), &["false"], true);
        check(json!({"NumericGreaterThan": {"k": "900000"}}), &["900000"], false);
        check(json!({"NumericGreaterThan": {"k": "900000"}}), &["1000000"], true);
        check(json!({"NumericLessThan": {"k": "1.2"}}), &["1.1"], true);
    }

    #[test]
    fn each_operator_decides_about_a_missing_key() {
        check(json!({"StringEquals": {"k": "a"}}), &[], false);
        check(json!({"StringEqualsIfExists": {"k": "a"}}), &[], true);
        check(json!({"StringEqualsIfExists": {"k": "a"}}), &["b"], false);
        check(json!({"StringNotEquals": {"k": "a"}}), &[], true);
        check(json!({"NumericGreaterThan": {"k": "1"}}), &[], false);
        check(json!({"Null": {"k": "true"}}), &[], true);
        check(json!({"Null": {"k": "true"}}), &["a"], false);
        check(json!({"Null": {"k": "false"}}), &["a"], true);
        check(json!({"ForAnyValue:StringEquals": {"k": "a"}}), &[], false);
    }

    #[test]
    fn one_of_several_values_is_enough_for_a_set_operator() {
        check(json!({"ForAnyValue:StringEquals": {"k": "a"}}), &["b", "a"], true);
        check(
            json!({"ForAnyValue:StringEquals": {"k": "a"}}),
            &["b", "c"],
            false,
        );
    }

    #[test]
    fn all_conditions_must_hold() {
        let both = json!({"StringEquals": {"k": "a"}, "Null": {"other": "true"}});
        check(both, &["a"], true);
        let one = json!({"StringEquals": {"k": "a"}, "Null": {"other": "false"}});
        check(one, &["a"], false);
    }

    #[test]
    fn an_unknown_operator_is_an_error() {
        let conditions: Conditions =
            serde_json::from_value(json!({"IpAddress": {"k": "10.0.0.0/8"}})).expect("conditions");
        let request = Request {
            action: String::new(),
            resource: String::new(),
            principal: String::new(),
            context: BTreeMap::new(),
        };
        assert!(conditions_hold(&conditions, &request).is_err());
    }
}
