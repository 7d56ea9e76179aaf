//! The description of one kind, with its types, ranges and defaults.

use dreamwire_graph::reference::{param_facts, port_facts};
use dreamwire_graph::{KindInfo, Port};

/// Everything about a kind, for a terminal.
pub(super) fn kind(kind: &KindInfo) -> String {
    let mut text = format!("{} ({})\n", kind.id, kind.title);
    text += &format!("plugin {}, {}\n", kind.plugin, kind.file);
    if !kind.doc.is_empty() {
        text += &format!("\n{}\n", kind.doc.trim_end());
    }
    ports(&mut text, "inputs", &kind.inputs);
    ports(&mut text, "outputs", &kind.outputs);
    if !kind.params.list.is_empty() {
        text += "\nparams\n";
    }
    for param in &kind.params.list {
        text += &format!("  {}: {}\n", param.name, param_facts(param).join(", "));
        indented(&mut text, &param.doc);
    }
    text
}

fn ports(text: &mut String, title: &str, ports: &[Port]) {
    if !ports.is_empty() {
        *text += &format!("\n{title}\n");
    }
    for port in ports {
        *text += &format!("  {}: {}\n", port.name, port_facts(port));
        indented(text, &port.doc);
    }
}

fn indented(text: &mut String, doc: &str) {
    for line in doc.lines().filter(|line| !line.trim().is_empty()) {
        *text += &format!("      {}\n", line.trim());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::example;

    #[test]
    fn a_kind_in_words() {
        let text = kind(&example());
        assert!(text.contains("  mask: MASK, optional\n"), "{text}");
        assert!(text.contains("  octaves: integer, 1 to 16, default 4\n      How many sizes.\n"), "{text}");
        assert!(text.contains("  carry: string, one of detail, image, default \"detail\"\n"), "{text}");
        assert!(text.contains("  sigma: number, at least 0, in px, required\n"), "{text}");
    }
}
