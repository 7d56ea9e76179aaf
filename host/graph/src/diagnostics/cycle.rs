//! Nodes depend on each other in a cycle, so none can run first.
//!
//! ```json
//! { "a": { "class_type": "Blur", "inputs": { "image": ["b", 0] } },
//!   "b": { "class_type": "Blur", "inputs": { "image": ["a", 0] } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;

const CODE: Code = Code::new("graph::cycle");

/// How many nodes of a cycle are named before the middle is left out.
const SHOWN: usize = 12;

/// `names` in the direction of the values; `link` is the input of the first one that the last one feeds.
pub(crate) fn new(names: &[&str], link: &Input) -> Diagnostic {
    let first = names.first().copied().unwrap_or("");
    let last = names.last().copied().unwrap_or("");
    let path = if names.len() <= SHOWN {
        names.join(" -> ")
    } else {
        let (head, tail) = (&names[..SHOWN / 2], &names[names.len() - SHOWN / 2..]);
        format!("{} -> ({} more) -> {}", head.join(" -> "), names.len() - SHOWN, tail.join(" -> "))
    };
    Diagnostic::error(CODE, Class::Graph, format!("nodes feed each other in a cycle: {path} -> {first}"))
        .label(link.place(), format!("`{last}` itself needs what `{first}` gives"))
        .hint("remove one of these links")
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    fn blur(id: &str, from: &str) -> String {
        format!(r#""{id}": {{ "class_type": "Blur", "inputs": {{ "image": ["{from}", 0] }} }}"#)
    }

    /// Faults: A16.
    #[test]
    fn of_one_two_and_a_thousand() {
        let found = one(&format!("{{ {} }}", blur("a", "a")), "graph::cycle");
        assert_eq!(found.message, "nodes feed each other in a cycle: a -> a");
        let found = one(&format!("{{ {}, {} }}", blur("a", "b"), blur("b", "a")), "graph::cycle");
        assert_eq!(found.message, "nodes feed each other in a cycle: a -> b -> a");
        assert_eq!(found.labelled, [r#"["b", 0]"#]);
        let nodes: Vec<String> = (0..1000)
            .map(|index| blur(&format!("n{index}"), &format!("n{}", (index + 999) % 1000)))
            .collect();
        let found = one(&format!("{{ {} }}", nodes.join(", ")), "graph::cycle");
        let start =
            "nodes feed each other in a cycle: n0 -> n1 -> n2 -> n3 -> n4 -> n5 -> (988 more) -> n994 -> ";
        assert!(found.message.starts_with(start), "{}", found.message);
        assert!(found.message.ends_with(" -> n999 -> n0"), "{}", found.message);
    }
}
