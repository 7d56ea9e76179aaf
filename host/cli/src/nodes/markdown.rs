use std::collections::BTreeMap;

use dreamwire_graph::{KindInfo, Port};

use super::describe::{facts, port_type};

/// The node reference. It holds no paths, so that it is the same on every machine.
pub(super) fn reference(groups: &BTreeMap<&str, Vec<&KindInfo>>) -> String {
    let mut text = String::from("# Nodes\n\nWritten by `dreamwire nodes --markdown`.\n");
    for (plugin, kinds) in groups {
        text += &format!("\n## {plugin}\n");
        kinds.iter().for_each(|kind| section(&mut text, kind));
    }
    text
}

fn section(text: &mut String, kind: &KindInfo) {
    *text += &format!("\n### {}\n", kind.id);
    if !kind.doc.is_empty() {
        *text += &format!("\n{}\n", kind.doc.trim());
    }
    ports(text, "input", &kind.inputs);
    ports(text, "output", &kind.outputs);
    if kind.params.list.is_empty() {
        return;
    }
    *text += "\n| param | values | |\n|---|---|---|\n";
    for param in &kind.params.list {
        *text += &row(&param.name, &facts(param).join(", "), &param.doc);
    }
}

fn ports(text: &mut String, title: &str, ports: &[Port]) {
    if ports.is_empty() {
        return;
    }
    *text += &format!("\n| {title} | type | |\n|---|---|---|\n");
    for port in ports {
        *text += &row(&port.name, &port_type(port), &port.doc);
    }
}

fn row(name: &str, values: &str, doc: &str) -> String {
    format!("| `{name}` | {} | {} |\n", cell(values), cell(doc))
}

/// The text of a table cell: one line, with `|` escaped.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::example;

    #[test]
    fn a_section_per_kind() {
        let kind = example();
        let text = reference(&BTreeMap::from([("org.dreamwire.dream", vec![&kind])]));
        assert!(text.contains("\n## org.dreamwire.dream\n\n### GradientAscent\n\nClimbs"), "{text}");
        assert!(text.contains("| `octaves` | integer, 1 to 16, default 4 | How many sizes. |\n"), "{text}");
        assert_eq!(cell("a |\n b"), "a \\| b");
    }
}
