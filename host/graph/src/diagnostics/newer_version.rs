//! `$dreamwire` states an unsupported version of the format.
//!
//! ```json
//! { "$dreamwire": 2 }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::parse::VERSION;
use crate::source::Span;

const CODE: Code = Code::new("graph::newer_version");

pub(crate) fn new(span: Span, version: u64) -> Diagnostic {
    let message = format!("the graph has format version {version}, this program reads version {VERSION}");
    Diagnostic::error(CODE, Class::Graph, message).label(span, "newer").hint("update dreamwire")
}

pub(crate) fn not_a_version(span: Span) -> Diagnostic {
    Diagnostic::error(CODE, Class::Graph, "`$dreamwire` is not a format version")
        .label(span, "not a version")
        .hint(format!("this program reads version {VERSION}"))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    /// Faults: A11.
    #[test]
    fn newer_and_nonsense() {
        let found = one(r#"{ "$dreamwire": 2 }"#, "graph::newer_version");
        assert_eq!(found.message, "the graph has format version 2, this program reads version 1");
        assert_eq!(found.labelled, ["2"]);
        let found = one(r#"{ "$dreamwire": "one" }"#, "graph::newer_version");
        assert_eq!(found.message, "`$dreamwire` is not a format version");
    }
}
