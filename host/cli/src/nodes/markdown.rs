use std::collections::BTreeMap;

use dreamwire_graph::{KindInfo, reference};

/// The node reference: a heading per plugin, one per kind.
pub(super) fn reference(groups: &BTreeMap<&str, Vec<&KindInfo>>) -> String {
    let mut text = String::from("# Nodes\n\nWritten by `dreamwire nodes --markdown`.\n");
    for (plugin, kinds) in groups {
        text += &format!("\n## {plugin}\n");
        for kind in kinds {
            text += &format!("\n### {}\n", kind.id);
            let page = reference::markdown(kind);
            if !page.is_empty() {
                text += &format!("\n{page}");
            }
        }
    }
    text
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
    }
}
