//! What raises an alarm, and who is notified.

use infra::Rendering;
use regex::Regex;
use serde_json::{Value, json};

use crate::rendering::{EVERYTHING, render};

/// The actions of an alarm.
fn actions(rendering: &Rendering, alarm: &str) -> Value {
    rendering.properties(alarm).expect("an alarm")["AlarmActions"].clone()
}

#[test]
fn a_forbidden_upload_raises_an_alarm_and_a_mail() {
    let rendering = render(&EVERYTHING);
    let filter = rendering.properties("ForbiddenUploads").expect("the filter");
    let metric = &filter["MetricTransformations"][0];
    let alarm = rendering.properties("ForbiddenUploadAlarm").expect("the alarm");
    assert_eq!(
        (&alarm["Namespace"], &alarm["MetricName"]),
        (&metric["MetricNamespace"], &metric["MetricName"])
    );
    assert_eq!(
        actions(&rendering, "ForbiddenUploadAlarm"),
        json!(["alarmtopic", "notifytopic"])
    );
    let quietly = render(&[("InspectUploads", "true")]);
    assert_eq!(actions(&quietly, "ForbiddenUploadAlarm"), json!([]));
}

#[test]
fn many_urls_and_many_bytes_raise_an_alarm() {
    let rendering = render(&[("IssuedUrlsThreshold", "7"), ("AuthorisedBytesThreshold", "8")]);
    for (alarm, metric, threshold) in [
        ("IssuedUrlsAlarm", "UrlsIssued", "7"),
        ("AuthorisedBytesAlarm", "BytesAuthorised", "8"),
    ] {
        let alarm = rendering.properties(alarm).expect("an alarm");
        assert_eq!(
            (&alarm["MetricName"], &alarm["Threshold"]),
            (&json!(metric), &json!(threshold))
        );
        assert_eq!(alarm["Namespace"], "Slipway");
        assert_eq!(alarm["Dimensions"][0]["Value"], "signingfunction");
    }
}

/// Whether a filter of CloudWatch Logs that is a conjunction of comparisons selects a line (Amazon CloudWatch Logs User
/// Guide, "Filter pattern syntax").
fn selects(pattern: &str, line: &Value) -> bool {
    let term = Regex::new(r#"^\$\.(\w+) (?:= "(\w+)"|IS (TRUE|FALSE))$"#).expect("a regular expression");
    let terms = pattern
        .trim_matches(|character| "{} ".contains(character))
        .split(" && ");
    let mut terms = terms.map(|text| {
        term.captures(text)
            .unwrap_or_else(|| panic!("{text} is not known here"))
    });
    terms.all(|term| {
        let expected = match (term.get(2), term.get(3)) {
            (Some(text), _) => json!(text.as_str()),
            (_, truth) => json!(truth.is_some_and(|truth| truth.as_str() == "TRUE")),
        };
        line[&term[1]] == expected
    })
}

#[test]
fn the_filter_selects_new_forbidden_verdicts_alone() {
    let rendering = render(&EVERYTHING);
    let filter = rendering.properties("ForbiddenUploads").expect("the filter");
    let pattern = filter["FilterPattern"].as_str().expect("a pattern");
    let line = |message: &str, verdict: &str, repeated: bool| json!({"message": message, "verdict": verdict, "repeated": repeated});
    assert!(selects(pattern, &line("judged", "forbidden", false)));
    assert!(!selects(pattern, &line("judged", "forbidden", true)));
    assert!(!selects(pattern, &line("judged", "clean", false)));
    assert!(!selects(pattern, &line("passed over", "forbidden", false)));
}

#[test]
fn found_malware_raises_an_alarm_and_a_mail() {
    let rendering = render(&EVERYTHING);
    let rule = rendering.properties("MalwareFound").expect("the rule");
    let detail = &rule["EventPattern"]["detail"];
    assert_eq!(
        detail["scanResultDetails"]["scanResultStatus"],
        json!(["THREATS_FOUND"])
    );
    let bucket = rendering.properties("UploadBucket").expect("the bucket");
    assert_eq!(detail["s3ObjectDetails"]["bucketName"][0], bucket["BucketName"]);
    assert_eq!(rule["Targets"][0]["Arn"], "notifytopic");
    let alarm = rendering.properties("MalwareAlarm").expect("the alarm");
    assert_eq!(
        alarm["Dimensions"][0],
        json!({"Name": "RuleName", "Value": "malwarefound"})
    );
    assert_eq!(actions(&rendering, "MalwareAlarm"), json!(["alarmtopic"]));
    let services =
        &rendering.properties("NotifyTopicPolicy").expect("the policy")["PolicyDocument"]["Statement"][0];
    assert_eq!(
        services["Principal"]["Service"],
        json!(["cloudwatch.amazonaws.com", "events.amazonaws.com"])
    );
    let without_mail = render(&[("MalwareProtection", "true")]);
    let rule = without_mail.properties("MalwareFound").expect("the rule");
    assert_eq!(rule["Targets"], Value::Null);
}
