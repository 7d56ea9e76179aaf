//! Events and diagnostics as JSON, the same for every front end.

use dreamwire_engine::{Event, Level, Published, Reason, Why};
use dreamwire_graph::{Diagnostic, Severity, Source};
use serde_json::{Value, json};

/// An event as an object; its `event` field names the type.
pub fn event(event: &Event) -> Value {
    match event {
        Event::Device { device, words } => {
            json!({ "event": "device", "device": device.to_string(), "words": words })
        }
        Event::Planned { steps } => json!({ "event": "planned", "steps": steps }),
        Event::Cached { node, why } => json!({ "event": "cached", "node": node, "why": why_name(*why) }),
        Event::Explained { node, reasons } => {
            let reasons: Vec<String> = reasons.iter().map(reason).collect();
            json!({ "event": "explained", "node": node, "reasons": reasons })
        }
        Event::Started { node, kind, .. } => json!({ "event": "started", "node": node, "kind": kind }),
        Event::Rows { node, first, count, batch, .. } => {
            json!({ "event": "rows", "node": node, "first": first, "count": count, "batch": batch })
        }
        Event::Progress { node, done, total, note } => {
            json!({ "event": "progress", "node": node, "done": done, "total": total, "note": note })
        }
        Event::Preview { node, image } => {
            json!({ "event": "preview", "node": node, "shape": image.shape() })
        }
        Event::Log { node, level, message } => {
            json!({ "event": "log", "node": node, "level": level_name(*level), "message": message })
        }
        Event::Published { node, file } => published(node, file),
        Event::Finished { node, elapsed } => {
            json!({ "event": "finished", "node": node, "ms": elapsed.as_millis() as u64 })
        }
        Event::Failed { node } => json!({ "event": "failed", "node": node }),
        Event::Skipped { node, failed } => json!({ "event": "skipped", "node": node, "failed": failed }),
    }
}

/// A reason as a sentence without subject: "param `alpha` was 0.5 and is 0.7".
pub fn reason(reason: &Reason) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or("not set".to_owned(), Value::to_string);
    match reason {
        Reason::New => "no earlier run of this graph had it".to_owned(),
        Reason::Kind { before } => format!("its kind was `{before}`"),
        Reason::Param { name, before, now } => {
            format!("param `{name}` was {} and is {}", text(before), text(now))
        }
        Reason::File { param } => format!("the file of `{param}` has changed"),
        Reason::Build { kind } => format!("the plugin of `{kind}` was rebuilt"),
        Reason::Mode { before, now } => mode(before, now),
        Reason::Link { input } => format!("input `{input}` is linked to something else"),
        Reason::Input { input, node } => format!("input `{input}` comes from `{node}`, which has changed"),
        Reason::NotPure => "its kind may give another result each time".to_owned(),
        Reason::NotKept => {
            "nothing has changed, but its result is not in the cache, where networks and objectives never are"
                .to_owned()
        }
        Reason::Hidden { node } => {
            format!("how many of its pictures are in the cache shows when `{node}` has run")
        }
        Reason::Rows { cached, batch } => format!("{cached} of {batch} pictures in the cache"),
    }
}

/// What differs between two modes, such as "cpu (x86_64 avx2 fma, portable operators), NaN allowed".
fn mode(before: &str, now: &str) -> String {
    let parts = |mode: &str| {
        let (device, rest) = mode.split_once(" (").unwrap_or((mode, ""));
        let rest = rest.replacen(')', "", 1);
        (device.to_owned(), rest.split(", ").map(str::to_owned).collect::<Vec<_>>())
    };
    let ((device, old), (device_now, new)) = (parts(before), parts(now));
    if device != device_now {
        return format!("the device was {device} and is {device_now}");
    }
    let without = |all: &[String], others: &[String]| {
        all.iter().filter(|part| !others.contains(part)).cloned().collect::<Vec<_>>().join(", ")
    };
    match (without(&old, &new), without(&new, &old)) {
        (old, new) if old.is_empty() => format!("it is computed with {new} now"),
        (old, new) if new.is_empty() => format!("it was computed with {old}"),
        (old, new) => format!("it was computed with {old} and is with {new}"),
    }
}

/// A published file of a node.
pub fn published(node: &str, file: &Published) -> Value {
    let path = file.path.display().to_string();
    json!({ "event": "published", "node": node, "name": file.name, "path": path, "written": file.written })
}

/// A problem with its places. `line` and `column` are absent without a place, `node` and `input` without a node.
pub fn diagnostic(source: &Source, problem: &Diagnostic) -> Value {
    let severity = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let labels: Vec<Value> = problem
        .labels
        .iter()
        .map(|label| {
            let (line, column) = source.position(label.span.start);
            let (start, end) = (label.span.start, label.span.end);
            json!({ "line": line, "column": column, "start": start, "end": end, "text": label.text })
        })
        .collect();
    let mut value = json!({
        "code": problem.code.as_str(),
        "severity": severity,
        "message": problem.message,
        "file": source.name,
    });
    if let Some(span) = problem.span() {
        let (line, column) = source.position(span.start);
        value["line"] = json!(line);
        value["column"] = json!(column);
    }
    if let Some(subject) = &problem.subject {
        value["node"] = json!(subject.node);
        if !subject.input.is_empty() {
            value["input"] = json!(subject.input);
        }
    }
    value["labels"] = Value::Array(labels);
    if let Some(hint) = &problem.hint {
        value["hint"] = json!(hint.text);
    }
    value
}

/// The name of a level: "error", "warning", "info", "debug" or "trace".
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warning",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

fn why_name(why: Why) -> &'static str {
    match why {
        Why::Unchanged => "unchanged",
        Why::SameInputs => "same_inputs",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use dreamwire_graph::{Class, Code, Span};

    use super::*;

    #[test]
    fn fields_are_in_order() {
        let text = |e: Event| event(&e).to_string();
        let node = || "dream".to_owned();
        assert_eq!(text(Event::Planned { steps: 2 }), r#"{"event":"planned","steps":2}"#);
        assert_eq!(
            text(Event::Cached { node: node(), why: Why::SameInputs }),
            r#"{"event":"cached","node":"dream","why":"same_inputs"}"#
        );
        assert_eq!(
            text(Event::Progress { node: node(), done: 1, total: 8, note: "objective 0.5".to_owned() }),
            r#"{"event":"progress","node":"dream","done":1,"total":8,"note":"objective 0.5"}"#
        );
        let (kind, identity) = ("GradientAscent".to_owned(), dreamwire_engine::Hash::from_bytes([0; 32]));
        assert_eq!(
            text(Event::Rows { node: node(), kind, identity, first: 3, count: 1, batch: 10 }),
            r#"{"event":"rows","node":"dream","first":3,"count":1,"batch":10}"#
        );
        assert_eq!(
            text(Event::Finished { node: node(), elapsed: Duration::from_millis(1500) }),
            r#"{"event":"finished","node":"dream","ms":1500}"#
        );
    }

    #[test]
    fn a_mode_says_what_differs() {
        let check = |before: &str, now: &str, expected: &str| {
            let change = Reason::Mode { before: before.to_owned(), now: now.to_owned() };
            assert_eq!(reason(&change), expected);
        };
        let (plain, portable) = ("cpu (x86_64 avx2)", "cpu (x86_64 avx2, portable operators)");
        check(plain, "cuda (x86_64 avx2)", "the device was cpu and is cuda");
        check(plain, portable, "it is computed with portable operators now");
        check(portable, plain, "it was computed with portable operators");
        check("cpu (x86_64 avx2), NaN allowed", plain, "it was computed with NaN allowed");
        check(plain, "cpu (x86_64)", "it was computed with x86_64 avx2 and is with x86_64");
    }

    #[test]
    fn a_problem_has_its_place_and_its_node() {
        let source = Source::new("graph.json", "{\n  \"photo\": { \"class_type\": \"LoadImag\" }\n}\n");
        let at = source.text.find("\"LoadImag\"").unwrap();
        let problem = Diagnostic::error(Code::new("graph::unknown_kind"), Class::Plugin, "unknown kind")
            .label(Span::new(at, at + 10), "no plugin has this kind")
            .hint("did you mean `LoadImage`")
            .about("photo", "");
        let value = diagnostic(&source, &problem);
        assert_eq!((&value["line"], &value["column"]), (&json!(2), &json!(28)));
        assert_eq!((&value["code"], &value["node"]), (&json!("graph::unknown_kind"), &json!("photo")));
        assert_eq!(value["hint"], "did you mean `LoadImage`");
        assert!(value.get("input").is_none());
    }
}
