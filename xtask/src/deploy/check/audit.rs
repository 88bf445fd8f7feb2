//! The audit: the line that the signing Lambda has written about an upload.

use std::{net::IpAddr, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;
use ureq::http::Request;

use super::{outcome::Outcome, session::Session};

/// How long a line may take to be found in CloudWatch Logs.
const PATIENCE: Duration = Duration::from_secs(120);

/// A service of AWS that answers with the address from which it is asked.
const OWN_ADDRESS: &str = "https://checkip.amazonaws.com/";

/// The log has a line for the URL of the small file.
pub(super) fn line(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(small) = &session.small else {
        return Ok(Outcome::without("plan"));
    };
    let log = session.resource("SigningLogs")?;
    let pattern = format!("{{ $.message = \"issued\" && $.key = \"{}\" }}", small.key);
    let filter = [
        "logs",
        "filter-log-events",
        "--log-group-name",
        log,
        "--filter-pattern",
        &pattern,
    ];
    let find = || Ok(issued(&session.account.ask(filter)?, &small.key));
    let Some(line) = session.wait_for(PATIENCE, find)? else {
        return Ok(Outcome::wrong(format!("the log has no line about {}", small.key)));
    };
    let expected = [
        ("operation", Value::from("PutObject")),
        ("principal", Value::from("anonymous")),
        ("size", Value::from(small.bytes.len())),
    ];
    let faults = faults(&line, &expected);
    session.audit_line = Some(line);
    Ok(Outcome::of_faults(&faults))
}

/// The line about the URL for a key in an answer of FilterLogEvents, which may have other lines too.
fn issued(answer: &Value, key: &str) -> Option<Value> {
    let events = answer["events"].as_array()?.iter();
    let mut lines = events.filter_map(|event| serde_json::from_str(event["message"].as_str()?).ok());
    lines.find(|line: &Value| line["message"] == "issued" && line["key"] == key)
}

fn faults(line: &Value, expected: &[(&str, Value)]) -> Vec<String> {
    let wrong = expected.iter().filter(|(name, value)| line[name] != *value);
    wrong
        .map(|(name, value)| format!("{name} is {} and not {value}", line[name]))
        .collect()
}

/// The line names this machine as the visitor, and not CloudFront's server that has called the API.
pub(super) fn visitor(session: &mut Session<'_>) -> Result<Outcome> {
    let Some(line) = &session.audit_line else {
        return Ok(Outcome::without("line of the audit"));
    };
    if let Some(outcome) = not_the_visitor(line) {
        return Ok(outcome);
    }
    let request = Request::get(OWN_ADDRESS).body(Vec::new())?;
    let own = session.web.send(request).and_then(|answer| answer.expect(200));
    let own = own.with_context(|| format!("{OWN_ADDRESS} does not say from where this machine is seen"))?;
    Ok(same_address(line, own.text().trim()))
}

/// What is wrong with the two addresses of a line, whoever the visitor is.
fn not_the_visitor(line: &Value) -> Option<Outcome> {
    let (visitor, source) = (&line["visitor_ip"], &line["source_ip"]);
    let is_address = visitor
        .as_str()
        .is_some_and(|text| text.parse::<IpAddr>().is_ok());
    if !is_address {
        return Some(Outcome::wrong(format!(
            "visitor_ip is {visitor}, which is no address"
        )));
    }
    (visitor == source).then(|| Outcome::wrong(format!("it is {visitor}, as that of who called the API")))
}

fn same_address(line: &Value, own: &str) -> Outcome {
    let visitor = &line["visitor_ip"];
    if *visitor == own {
        Outcome::Right
    } else {
        Outcome::wrong(format!("it is {visitor}, and this machine is seen as {own:?}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_line_is_found_among_others() {
        let lines = [
            "START RequestId: 1".to_owned(),
            json!({"message": "issued", "key": "b"}).to_string(),
            json!({"message": "refused", "key": "a"}).to_string(),
            json!({"message": "issued", "key": "a"}).to_string(),
        ];
        let events: Vec<_> = lines.iter().map(|line| json!({"message": line})).collect();
        let answer = json!({"events": events});
        assert_eq!(
            issued(&answer, "a"),
            Some(json!({"message": "issued", "key": "a"}))
        );
        assert_eq!(issued(&answer, "c"), None);
        assert_eq!(issued(&Value::Null, "a"), None);
    }

    #[test]
    fn what_a_line_says_otherwise_is_named() {
        let line = json!({"operation": "PutObject", "size": 3});
        let expected = [("operation", json!("PutObject")), ("size", json!(4))];
        assert_eq!(faults(&line, &expected), ["size is 3 and not 4"]);
    }

    #[test]
    fn the_visitor_is_this_machine_and_not_cloudfront() {
        let line = |visitor: &str| json!({"visitor_ip": visitor, "source_ip": "64.252.1.1"});
        assert_eq!(not_the_visitor(&line("203.0.113.7")), None);
        for visitor in ["64.252.1.1", "", "unknown"] {
            let outcome = not_the_visitor(&line(visitor));
            assert!(
                matches!(outcome, Some(Outcome::Wrong { .. })),
                "{visitor}: {outcome:?}"
            );
        }
        assert_eq!(same_address(&line("203.0.113.7"), "203.0.113.7"), Outcome::Right);
        let other = same_address(&line("203.0.113.7"), "203.0.113.8");
        assert!(matches!(other, Outcome::Wrong { .. }), "{other:?}");
    }
}
