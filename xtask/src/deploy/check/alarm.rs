//! An alarm, from a refused request to a mail.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{outcome::Outcome, session::Session};

/// The alarm that one refused request raises in the stack of the check.
const ALARM: &str = "RefusedRequestsAlarm";

/// How long CloudWatch may take: the metric is summed over five minutes, and looked at once per minute.
const PATIENCE: Duration = Duration::from_secs(600);

/// The request that was refused has raised the alarm: the function's line became a metric, and the alarm looks at it.
pub(super) fn state(session: &mut Session<'_>) -> Result<Outcome> {
    let name = session.resource(ALARM)?;
    let describe = ["cloudwatch", "describe-alarms", "--alarm-names", name];
    let raised = || {
        let answer = session.account.ask(describe)?;
        let state = answer["MetricAlarms"][0]["StateValue"]
            .as_str()
            .context("there is no such alarm")?;
        Ok((state == "ALARM").then_some(()))
    };
    match session.wait_for(PATIENCE, raised)? {
        Some(()) => Ok(Outcome::Right),
        None => Ok(Outcome::wrong("a refused request did not raise it")),
    }
}

/// CloudWatch has handed the alarm to the topic that sends the mails.
pub(super) fn mail(session: &mut Session<'_>) -> Result<Outcome> {
    if !session.has_alarm_email {
        let why = "nobody gets it; give --parameter AlarmEmail=you@example.com";
        return Ok(Outcome::not_here(why));
    }
    let name = session.resource(ALARM)?;
    let history = ["cloudwatch", "describe-alarm-history", "--alarm-name", name];
    let actions = ["--history-item-type", "Action"];
    let command = history.into_iter().chain(actions);
    let published = || Ok(action(&session.account.ask(command.clone())?));
    match session.wait_for(Duration::from_secs(60), published)? {
        Some(summary) if summary.starts_with("Successfully") => Ok(Outcome::Right),
        Some(summary) => Ok(Outcome::wrong(summary)),
        None => Ok(Outcome::wrong("the alarm has published nothing")),
    }
}

/// The latest action in an alarm's history, such as `Successfully executed action arn:…`.
fn action(answer: &Value) -> Option<String> {
    let summary = answer["AlarmHistoryItems"][0]["HistorySummary"].as_str();
    summary.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_latest_action_is_read() {
        let answer = json!({"AlarmHistoryItems": [
            {"HistorySummary": "Failed to execute action arn:b"},
            {"HistorySummary": "Successfully executed action arn:a"},
        ]});
        assert_eq!(action(&answer).as_deref(), Some("Failed to execute action arn:b"));
        assert_eq!(action(&json!({"AlarmHistoryItems": []})), None);
    }
}
