//! The file has more bytes, nodes, values, items or links than a graph may have.

use crate::check::MAX_LINKS;
use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;
use crate::parse::{MAX_ITEMS, MAX_NODES, MAX_VALUES};
use crate::source::{MAX_BYTES, Span};

pub(crate) const CODE: Code = Code::new("graph::too_large");

pub(crate) fn bytes(size: usize) -> Diagnostic {
    let limit = MAX_BYTES / (1024 * 1024);
    Diagnostic::error(CODE, Class::Limit, format!("graph file has {size} bytes, the limit is {limit} MiB"))
}

/// The file has more values than any graph needs; they would take too much memory.
pub(crate) fn values(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Limit, format!("graph has more than {MAX_VALUES} values"))
        .label(span, "the first one over the limit")
}

pub(crate) fn items(span: Span, count: usize) -> Diagnostic {
    Diagnostic::error(CODE, Class::Limit, format!("a list has {count} items, the limit is {MAX_ITEMS}"))
        .label(Span::new(span.start, span.start + 1), "this list")
}

/// `input` is the first link over the limit.
pub(crate) fn links(input: &Input, port: &str) -> Diagnostic {
    Diagnostic::error(CODE, Class::Limit, format!("`{port}` has more than {MAX_LINKS} links"))
        .label(input.name_span, "the first one over the limit")
}

/// `span` is the first node over the limit.
pub(crate) fn nodes(span: Span, count: usize) -> Diagnostic {
    Diagnostic::error(CODE, Class::Limit, format!("graph has {count} nodes, the limit is {MAX_NODES}"))
        .label(span, "the first one over the limit")
}

/// Subgraphs make more nodes, or more text, than a graph may have. `span` is the first node over the limit.
pub(crate) fn subgraphs(span: Span) -> Diagnostic {
    let text = MAX_BYTES / (1024 * 1024);
    let message = format!("with its subgraphs, the graph has more than {MAX_NODES} nodes or {text} MiB");
    Diagnostic::error(CODE, Class::Limit, message).label(span, "the first one over the limit")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{codes, one};

    #[test]
    fn too_many_nodes() {
        let nodes: Vec<String> = (0..100_001).map(|index| format!("\"{index}\":{{}}")).collect();
        let text = format!("{{{}}}", nodes.join(","));
        let (_, problems) = crate::parse(&crate::Source::new("a.json", text));
        let last = problems.last().unwrap();
        assert_eq!(last.message, "graph has 100001 nodes, the limit is 100000");
        assert_eq!(last.class, Class::Limit);
    }

    #[test]
    fn too_many_values_items_and_links() {
        let wrap = |input: &str| {
            format!(r#"{{ "sum": {{ "class_type": "SumObjective", "inputs": {{ {input} }} }} }}"#)
        };
        let list =
            |count: usize| wrap(&format!(r#""weights": {{"__value__": [{}1]}}"#, "1,".repeat(count - 1)));
        let found = one(&list(MAX_ITEMS + 1), "graph::too_large");
        assert_eq!(found.message, "a list has 65537 items, the limit is 65536");
        assert!(!codes(&list(MAX_ITEMS)).contains(&"graph::too_large"));
        let found = one(&list(MAX_VALUES + 2), "graph::too_large");
        assert_eq!(found.message, "graph has more than 2000000 values");
        let links: Vec<String> = (0..160_000).map(|n| format!(r#""objectives.{n}": ["sum", 0]"#)).collect();
        let found = one(&wrap(&links.join(",")), "graph::too_large");
        assert_eq!(found.message, "`objectives` has more than 1024 links");
        assert_eq!(found.labelled, [r#""objectives.1024""#]);
    }

    #[test]
    fn too_many_bytes() {
        let found = one(&" ".repeat(16 * 1024 * 1024 + 1), "graph::too_large");
        assert_eq!(found.message, "graph file has 16777217 bytes, the limit is 16 MiB");
    }
}
