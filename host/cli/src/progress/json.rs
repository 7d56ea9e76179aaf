//! Events as JSON, one a line.

use dreamwire_engine::{Event, Published, Why};
use serde_json::{Value, json};

use crate::console::level_name;

pub(super) fn event(event: &Event) -> Value {
    match event {
        Event::Planned { steps } => json!({ "event": "planned", "steps": steps }),
        Event::Cached { node, why } => json!({ "event": "cached", "node": node, "why": why_name(*why) }),
        Event::Started { node, kind } => json!({ "event": "started", "node": node, "kind": kind }),
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
    }
}

pub(super) fn published(node: &str, file: &Published) -> Value {
    let path = file.path.display().to_string();
    json!({ "event": "published", "node": node, "name": file.name, "path": path, "written": file.written })
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

    use super::*;

    #[test]
    fn lines_have_their_fields_in_order() {
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
        assert_eq!(
            text(Event::Finished { node: node(), elapsed: Duration::from_millis(1500) }),
            r#"{"event":"finished","node":"dream","ms":1500}"#
        );
    }
}
