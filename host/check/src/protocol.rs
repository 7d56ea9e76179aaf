//! Messages from a child to its parent, on an output that it shares with the plugin.

use crate::Outcome;
use serde_json::{Value, json};

const AT: &str = "dreamwire-check at ";
const RESULT: &str = "dreamwire-check result ";

/// The line that announces what the child tries next. Starts with a line break, in case the plugin left a
/// line open.
pub fn at_line(place: &str) -> String {
    format!("\n{AT}{}\n", place.replace('\n', " "))
}

/// The line with the result of the check.
pub fn result_line(outcome: &Outcome) -> String {
    let value = json!({ "outcome": outcome.name(), "words": outcome.words() });
    format!("\n{RESULT}{value}\n")
}

/// The messages of a child.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// How the check went; `None` if the child ended before it could say so.
    pub(crate) outcome: Option<Outcome>,
    /// What it tried last.
    pub(crate) place: Option<String>,
}

pub(crate) fn hear(output: &str) -> Heard {
    let mut heard = Heard::default();
    for line in output.lines() {
        if let Some(place) = line.strip_prefix(AT) {
            heard.place = Some(place.to_owned());
        } else if let Some(result) = line.strip_prefix(RESULT) {
            heard.outcome = outcome(result).or(heard.outcome);
        }
    }
    heard
}

fn outcome(text: &str) -> Option<Outcome> {
    let value: Value = serde_json::from_str(text).ok()?;
    let words = value["words"].as_str()?.to_owned();
    match value["outcome"].as_str()? {
        "ok" => Some(Outcome::Passed(words)),
        "fail" => Some(Outcome::Failed(words)),
        "skip" => Some(Outcome::Skipped(words)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plugins_own_words_confuse_nobody() {
        let failed = Outcome::Failed("`a`\nsaid \"no\"".to_owned());
        let output = format!(
            "half a line{}noise\ndreamwire-check result {{}}\n{}{}bye",
            at_line("A"),
            at_line("B\nC"),
            result_line(&failed)
        );
        let expected = Heard { outcome: Some(failed), place: Some("B C".to_owned()) };
        assert_eq!(hear(&output), expected);
        assert_eq!(hear("only noise\n"), Heard::default());
    }
}
