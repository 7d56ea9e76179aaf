//! The file has more bytes or nodes than a graph may have.

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::parse::MAX_NODES;
use crate::source::{MAX_BYTES, Span};

const CODE: Code = Code::new("graph::too_large");

pub(crate) fn bytes(size: usize) -> Diagnostic {
    let limit = MAX_BYTES / (1024 * 1024);
    Diagnostic::error(CODE, Class::Limit, format!("graph file has {size} bytes, the limit is {limit} MiB"))
}

/// `span` is the first node over the limit.
pub(crate) fn nodes(span: Span, count: usize) -> Diagnostic {
    Diagnostic::error(CODE, Class::Limit, format!("graph has {count} nodes, the limit is {MAX_NODES}"))
        .label(span, "the first one over the limit")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn too_many_nodes() {
        let nodes: Vec<String> = (0..100_001).map(|index| format!("\"{index}\":{{}}")).collect();
        let text = format!("{{{}}}", nodes.join(","));
        let (_, problems) = crate::parse(&crate::Source::new("a.json", text));
        let last = problems.last().unwrap();
        assert_eq!(last.message, "graph has 100001 nodes, the limit is 100000");
        assert_eq!(last.class.exit_code(), 8);
    }

    #[test]
    fn too_many_bytes() {
        let found = one(&" ".repeat(16 * 1024 * 1024 + 1), "graph::too_large");
        assert_eq!(found.message, "graph file has 16777217 bytes, the limit is 16 MiB");
    }
}
