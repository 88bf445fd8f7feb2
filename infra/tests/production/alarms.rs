//! What raises an alarm, and who is notified.

use infra::Rendering;
use regex::Regex;
use serde_json::{Value, json};

use crate::{
    permissions::bucket,
    rendering::{EVERYTHING, render},
};

/// What S3 sends to EventBridge about a manifest (Amazon S3 User Guide, "EventBridge event message structure").
const MANIFEST_STORED: &str = include_str!("../events/manifest_stored.json");

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
    let without_mail = render(&[("MalwareProtection", "true")]);
    let rule = without_mail.properties("MalwareFound").expect("the rule");
    assert_eq!(rule["Targets"], Value::Null);
}

#[test]
fn alarms_and_events_may_be_mailed() {
    let rendering = render(&EVERYTHING);
    let policy = rendering.properties("NotifyTopicPolicy").expect("the policy");
    let statements = policy["PolicyDocument"]["Statement"]
        .as_array()
        .expect("statements");
    let services: Vec<_> = statements
        .iter()
        .map(|statement| (&statement["Principal"]["Service"], &statement["Action"]))
        .collect();
    let publish = json!("sns:Publish");
    let [alarms, events] = [json!("cloudwatch.amazonaws.com"), json!("events.amazonaws.com")];
    assert_eq!(services, [(&alarms, &publish), (&events, &publish)]);
}

/// Whether a pattern of exact values and suffixes matches an event (Amazon EventBridge User Guide, "Event patterns").
fn matches(pattern: &Value, event: &Value) -> bool {
    let fields = pattern.as_object().expect("a pattern");
    fields.iter().all(|(name, expected)| match expected {
        Value::Array(alternatives) => alternatives
            .iter()
            .any(|alternative| match &alternative["suffix"] {
                Value::String(suffix) => event[name].as_str().is_some_and(|text| text.ends_with(suffix)),
                _ => *alternative == event[name],
            }),
        nested => matches(nested, &event[name]),
    })
}

/// The recorded event for the bucket of a rendering.
fn manifest_stored(rendering: &Rendering) -> Value {
    let mut event: Value = serde_json::from_str(MANIFEST_STORED).expect("JSON");
    event["detail"]["bucket"]["name"] = bucket(rendering).into();
    event
}

#[test]
fn a_manifest_is_mailed_and_no_other_object() {
    let rendering = render(&EVERYTHING);
    let rule = rendering.properties("ManifestStored").expect("the rule");
    let event = manifest_stored(&rendering);
    assert!(matches(&rule["EventPattern"], &event));
    for (pointer, other) in [
        (
            "/detail/object/key",
            "uploads/ada/019ab718-1480-7000-8000-000000000000/a.pdf",
        ),
        ("/detail/object/key", "uploads/ada/a.slipway-manifest.json/a.pdf"),
        (
            "/detail/object/key",
            "uploads/ada/019ab718-1480-7000-8000-000000000000.slipway-manifest.json.txt",
        ),
        ("/detail/bucket/name", "another-bucket"),
        ("/detail-type", "Object Deleted"),
        ("/source", "another.program"),
    ] {
        let mut event = event.clone();
        *event.pointer_mut(pointer).expect("a field") = other.into();
        assert!(!matches(&rule["EventPattern"], &event), "{other}");
    }
    assert!(render(&[]).properties("ManifestStored").is_none());
}

#[test]
fn the_suffix_is_that_of_manifests() {
    let rendering = render(&EVERYTHING);
    let rule = rendering.properties("ManifestStored").expect("the rule");
    let key = &rule["EventPattern"]["detail"]["object"]["key"];
    assert_eq!(*key, json!([{"suffix": wire::MANIFEST_SUFFIX}]));
    let event: Value = serde_json::from_str(MANIFEST_STORED).expect("JSON");
    let key = event["detail"]["object"]["key"].as_str().expect("a key");
    let (_, name) = key.rsplit_once('/').expect("a folder");
    assert!(wire::is_manifest_name(name), "{name}");
}

#[test]
fn the_mail_names_folder_and_manifest() {
    let rendering = render(&EVERYTHING);
    let rule = rendering.properties("ManifestStored").expect("the rule");
    let target = &rule["Targets"][0];
    assert_eq!(target["Arn"], "notifytopic");
    let transformer = &target["InputTransformer"];
    let event = manifest_stored(&rendering);
    let mut mail = transformer["InputTemplate"]
        .as_str()
        .expect("a template")
        .to_owned();
    for (name, path) in transformer["InputPathsMap"].as_object().expect("paths") {
        let pointer = path
            .as_str()
            .expect("a path")
            .replacen('$', "", 1)
            .replace('.', "/");
        let value = event.pointer(&pointer).expect("a field of the event");
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        mail = mail.replace(&format!("<{name}>"), &text);
    }
    let lines: Vec<String> = mail
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is a text in quotes"))
        .collect();
    let bucket = bucket(&rendering);
    let key = "uploads/ada/019ab718-1480-7000-8000-000000000000.slipway-manifest.json";
    assert_eq!(lines[0], format!("Files were uploaded to the bucket {bucket}."));
    assert_eq!(lines[2], key);
    assert_eq!(lines[4], format!("To read it: aws s3 cp 's3://{bucket}/{key}' -"));
    assert!(
        lines[1].contains("(1298 bytes, stored at 2025-11-24T18:20:31Z)"),
        "{mail}"
    );
    assert!(!mail.contains('<'), "{mail}");
}

#[test]
fn other_systems_find_manifests_on_the_event_bus() {
    for parameters in [&[][..], &EVERYTHING] {
        let rendering = render(parameters);
        let bucket = rendering.properties("UploadBucket").expect("the bucket");
        let events = &bucket["NotificationConfiguration"]["EventBridgeConfiguration"];
        assert_eq!(events["EventBridgeEnabled"], true);
    }
}
