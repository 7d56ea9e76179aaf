//! In the editor's own form, links go around through reroutes, bypassed nodes or subgraphs alone, and come from nothing.
//!
//! ```json
//! { "nodes": [{ "id": 1, "type": "Reroute", "inputs": [{ "name": "", "link": 1 }] },
//!             { "id": 2, "type": "Blur", "inputs": [{ "name": "image", "link": 1 }] }],
//!   "links": [[1, 1, 0, 1, 0, "*"]] }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::source::Span;

const CODE: Code = Code::new("graph::link_loop");

/// `span` is the input where the loop closes.
pub(crate) fn new(link: &str, span: Span) -> Diagnostic {
    Diagnostic::error(
        CODE,
        Class::Graph,
        format!("link `{link}` leads around in a loop and comes from no node"),
    )
    .label(span, "the loop closes here")
    .hint("connect one of the reroutes or bypassed nodes in it to a node")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A23.
    #[test]
    fn of_one_and_of_many() {
        for count in [1, 2, 10_000] {
            let reroutes: Vec<String> = (0..count)
                .map(|id| {
                    format!(
                        r#"{{ "id": {id}, "type": "Reroute", "inputs": [{{ "name": "", "link": {id} }}] }}"#
                    )
                })
                .collect();
            let links: Vec<String> =
                (0..count).map(|id| format!(r#"[{id}, {}, 0, {id}, 0, "*"]"#, (id + 1) % count)).collect();
            let blur = r#"{ "id": "blur", "type": "Blur", "inputs": [{ "name": "image", "link": 0 }] }"#;
            let text =
                format!(r#"{{ "nodes": [{blur}, {}], "links": [{}] }}"#, reroutes.join(","), links.join(","));
            let found = one(&text, "graph::link_loop");
            assert_eq!(found.message, "link `0` leads around in a loop and comes from no node");
            assert_eq!(found.labelled, ["0"]);
        }
    }
}
