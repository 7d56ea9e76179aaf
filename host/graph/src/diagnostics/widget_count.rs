//! A node of the editor's own form has more values than its kind has widgets, so that it cannot be known which is which.
//! If there are fewer, the last widgets have their defaults: kinds get new params.
//!
//! ```json
//! { "nodes": [{ "id": 1, "type": "LoadImage", "widgets_values": ["cat.png", 5, 6] }] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Node;
use crate::kinds::KindInfo;
use crate::source::Span;

const CODE: Code = Code::new("graph::widget_count");

/// `last` is the place of the last value.
pub(crate) fn new(node: &Node, kind: &KindInfo, count: usize, last: Span) -> Diagnostic {
    let widgets = match kind.params.list.len() {
        0 => "no widgets".to_owned(),
        1 => "1 widget".to_owned(),
        count => format!("{count} widgets"),
    };
    let s = if count == 1 { "" } else { "s" };
    let message = format!("node `{}` has {count} value{s}, but `{}` has {widgets}", node.id, kind.id);
    Diagnostic::error(CODE, Class::Graph, message).label(last, "the last of them").hint(hint(kind))
}

fn hint(kind: &KindInfo) -> String {
    let names: Vec<String> = kind.params.list.iter().map(|param| format!("`{}`", param.name)).collect();
    match names.is_empty() {
        true => "an older or another plugin may have had such a kind".to_owned(),
        false => {
            format!("in this order: {}; an older or another plugin may have had others", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{codes, one};

    fn node(kind: &str, values: &str) -> String {
        format!(r#"{{ "nodes": [{{ "id": 1, "type": "{kind}", "widgets_values": [{values}] }}] }}"#)
    }

    /// Faults: A23.
    #[test]
    fn too_many() {
        let found = one(&node("LoadImage", r#""cat.png", 5, 6"#), "graph::widget_count");
        assert_eq!(found.message, "node `1` has 3 values, but `LoadImage` has 1 widget");
        assert_eq!(found.labelled, ["6"]);
        assert_eq!(found.hint, "in this order: `image`; an older or another plugin may have had others");
        let found = one(&node("Blur", "5"), "graph::widget_count");
        assert_eq!(found.message, "node `1` has 1 value, but `Blur` has no widgets");
        assert!(!codes(&node("GradientAscent", "3, 1.5")).contains(&"graph::widget_count"));
    }
}
