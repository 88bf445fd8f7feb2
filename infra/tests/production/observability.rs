//! The dashboard and the saved queries, run over lines of the audit by the part of CloudWatch Logs Insights' language that
//! they use (Amazon CloudWatch Logs User Guide, "CloudWatch Logs Insights language query syntax").

use std::collections::{BTreeMap, BTreeSet};

use infra::Rendering;
use regex::Regex;
use serde_json::{Value, json};

use crate::rendering::{EVERYTHING, render};

type Row = BTreeMap<String, Value>;

/// Lines as both functions log them; the key `k2` was issued and not used, `k3` was begun and not completed, and a manifest
/// was issued.
const AUDIT: &str = include_str!("../events/audit.jsonl");

fn lines() -> Vec<Row> {
    let lines = AUDIT.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("a line is JSON"))
        .collect()
}

/// Runs a query. A command that is not known here fails the test.
fn run(query: &str) -> Vec<Row> {
    let mut rows = lines();
    for command in query.split(" | ").map(str::trim) {
        let (name, arguments) = command.split_once(' ').expect("a command has arguments");
        match name {
            "filter" => rows.retain(|row| arguments.split(" and ").all(|term| holds(term, row))),
            "display" => rows = rows.iter().map(|row| display(arguments, row)).collect(),
            "stats" => rows = stats(arguments, &rows),
            "sort" => sort(arguments, &mut rows),
            "limit" => rows.truncate(arguments.parse().expect("a number")),
            other => panic!("{other} is not known here"),
        }
    }
    rows
}

fn field(row: &Row, name: &str) -> Value {
    row.get(name).cloned().unwrap_or_default()
}

fn literal(text: &str) -> Value {
    let quoted = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    quoted.map_or_else(
        || json!(text.parse::<u64>().expect("a number")),
        |text| json!(text),
    )
}

fn holds(term: &str, row: &Row) -> bool {
    if let Some((name, list)) = term.split_once(" in ") {
        let items = list.trim_matches(['[', ']']).split(", ");
        return items.map(literal).any(|item| item == field(row, name));
    }
    if let Some((name, part)) = term.split_once(" not like ") {
        let part = literal(part);
        let part = part.as_str().expect("a text");
        return !field(row, name).as_str().is_some_and(|text| text.contains(part));
    }
    let (name, value) = term.split_once(" = ").expect("a comparison");
    literal(value) == field(row, name)
}

fn display(names: &str, row: &Row) -> Row {
    names
        .split(", ")
        .map(|name| (name.to_owned(), field(row, name)))
        .collect()
}

fn stats(arguments: &str, rows: &[Row]) -> Vec<Row> {
    let (aggregates, groups) = arguments.split_once(" by ").expect("groups");
    let aggregate = Regex::new(r"(count|sum|max)\((\*|\w+|strcontains\((\w+), '(\w+)'\))\) as (\w+)");
    let aggregate = aggregate.expect("a regular expression");
    let mut grouped: BTreeMap<String, (Row, Vec<&Row>)> = BTreeMap::new();
    for row in rows {
        let group = display(groups, row);
        let entry = grouped
            .entry(json!(group).to_string())
            .or_insert((group, Vec::new()));
        entry.1.push(row);
    }
    let known = aggregate.replace_all(aggregates, "").replace([',', ' '], "");
    assert_eq!(known, "", "{aggregates} is not known here");
    let rows = grouped.into_values().map(|(mut group, rows)| {
        for call in aggregate.captures_iter(aggregates) {
            let value = match (&call[1], call.get(3), call.get(4)) {
                ("count", _, _) => json!(rows.len()),
                ("sum", Some(name), Some(part)) => {
                    let contains =
                        |row: &&&Row| field(row, name.as_str()).to_string().contains(part.as_str());
                    json!(rows.iter().filter(contains).count())
                }
                ("max", _, _) => {
                    let texts = rows.iter().map(|row| field(row, &call[2]));
                    json!(texts.filter_map(|text| Some(text.as_str()?.to_owned())).max())
                }
                _ => panic!("{} is not known here", &call[0]),
            };
            group.insert(call[5].to_owned(), value);
        }
        group
    });
    rows.collect()
}

fn sort(arguments: &str, rows: &mut [Row]) {
    let (name, direction) = arguments.split_once(' ').expect("a direction");
    rows.sort_by_key(|row| match field(row, name) {
        Value::Number(number) => format!("{number:0>20}"),
        other => other.to_string(),
    });
    if direction == "desc" {
        rows.reverse();
    }
}

fn query(rendering: &Rendering, name: &str) -> String {
    let query = rendering.properties(name).expect("a query");
    query["QueryString"].as_str().expect("a text").to_owned()
}

fn column(rows: &[Row], name: &str) -> Vec<String> {
    let values = rows.iter().map(|row| field(row, name));
    values
        .map(|value| value.as_str().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn a_query_tells_who_uploaded_what_and_when() {
    let rows = run(&query(&render(&[]), "WhoUploadedWhat"));
    assert_eq!(column(&rows, "key"), ["uploads/you/k2", "uploads/me/k1"]);
    assert_eq!(column(&rows, "visitor_ip"), ["203.0.113.58", "203.0.113.57"]);
    assert_eq!(rows[1]["size"], 5);
}

#[test]
fn a_query_tells_what_became_of_a_key() {
    let query = query(&render(&EVERYTHING), "WhatBecameOfThisKey");
    assert_eq!(run(&query), [] as [Row; 0]);
    let rows = run(&query.replace("REPLACE BY THE KEY", "uploads/me/k1"));
    assert_eq!(column(&rows, "message"), ["issued", "judged"]);
    assert_eq!(column(&rows, "verdict"), ["", "clean"]);
}

#[test]
fn a_query_tells_who_was_refused_and_why() {
    let rows = run(&query(&render(&[]), "WhoWasRefused"));
    assert_eq!(column(&rows, "code"), ["TypeNotAllowed", "FileTooLarge"]);
    assert_eq!(
        (&rows[0]["refusals"], &rows[1]["refusals"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(rows[0]["latest"], "2025-11-24T18:20:06Z");
}

#[test]
fn a_query_tells_which_urls_were_never_used() {
    let rows = run(&query(&render(&EVERYTHING), "IssuedAndNeverUsed"));
    assert_eq!(column(&rows, "key"), ["uploads/me/k3", "uploads/you/k2"]);
    assert!(render(&[]).properties("IssuedAndNeverUsed").is_none());
}

fn widgets(parameters: &[(&str, &str)]) -> Vec<Value> {
    let rendering = render(parameters);
    let body = &rendering.properties("Dashboard").expect("the dashboard")["DashboardBody"];
    let body: Value = serde_json::from_str(body.as_str().expect("a text")).expect("the body is JSON");
    body["widgets"].as_array().expect("widgets").clone()
}

#[test]
fn the_dashboard_shows_what_the_function_counts() {
    let shown = json!(widgets(&[])).to_string();
    let counted = [
        "UrlsIssued",
        "ManifestsIssued",
        "BytesAuthorised",
        "RequestsRefused",
        " Refused'",
    ];
    let others = ["BucketSizeBytes", "Latency", "5xx", "Errors"];
    for metric in counted.iter().chain(&others) {
        assert!(shown.contains(metric), "{metric} is not on the dashboard");
    }
    let titles = |parameters| -> BTreeSet<String> {
        let widgets: Vec<Value> = widgets(parameters);
        widgets
            .iter()
            .map(|widget| widget["properties"]["title"].to_string())
            .collect()
    };
    let verdicts: Vec<_> = titles(&EVERYTHING).difference(&titles(&[])).cloned().collect();
    assert_eq!(verdicts, ["\"Verdicts\""]);
}

#[test]
fn the_dashboards_queries_run_over_the_audit() {
    let widgets = widgets(&EVERYTHING);
    let queries = widgets
        .iter()
        .filter_map(|widget| widget["properties"]["query"].as_str());
    let answers: Vec<_> = queries
        .map(|query| run(query.split_once(" | ").expect("a source").1))
        .collect();
    assert_eq!(column(&answers[0], "key"), ["uploads/me/k3"]);
    assert_eq!(column(&answers[1], "verdict"), ["clean"]);
}
