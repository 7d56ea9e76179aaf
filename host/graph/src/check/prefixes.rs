use serde_json::Value;

use super::Checker;
use crate::checked::CheckedNode;
use crate::diagnostic::Diagnostic;
use crate::diagnostics::prefix as wrong;
use crate::params::Format;
use crate::prefix::{PICTURE, Piece, TIMES, pieces, safe, unknown_date_part};

/// Why a name cannot be given.
enum Fault {
    Told(Box<Diagnostic>),
    /// The node that it names has errors, which are reported there.
    Elsewhere,
}

impl Checker<'_> {
    /// Fills in `%node.param%` in the names of outputs, so that the plugin and the keys of results see the values. Time
    /// and size of a picture are filled in when it is published. A node with a wrong name is dropped.
    pub(super) fn prefixes(&mut self, nodes: &mut [Option<CheckedNode>]) {
        for index in 0..nodes.len() {
            match self.filled(index, nodes) {
                Ok(texts) => {
                    if let Some(node) = &mut nodes[index] {
                        node.params.extend(texts);
                    }
                }
                Err(fault) => {
                    nodes[index] = None;
                    if let Fault::Told(problem) = fault {
                        self.problems.push(*problem);
                    }
                }
            }
        }
    }

    /// The params of a node that change.
    fn filled(&self, index: usize, nodes: &[Option<CheckedNode>]) -> Result<Vec<(String, Value)>, Fault> {
        let Some(node) = &nodes[index] else { return Ok(Vec::new()) };
        let mut texts = Vec::new();
        for param in node.kind.params.list.iter().filter(|param| param.format == Some(Format::Output)) {
            let Some(text) = node.params.get(&param.name).and_then(Value::as_str) else { continue };
            if text.contains('%') {
                let text = self.fill(node, &param.name, text, nodes)?;
                texts.push((param.name.clone(), Value::String(text)));
            }
        }
        Ok(texts)
    }

    fn fill(
        &self,
        node: &CheckedNode,
        param: &str,
        text: &str,
        nodes: &[Option<CheckedNode>],
    ) -> Result<String, Fault> {
        let told = |problem| Fault::Told(Box::new(problem));
        let mut filled = String::new();
        for piece in pieces(text) {
            match piece {
                Piece::Text(text) => filled += text,
                Piece::Token(token) => {
                    if let Some(format) = token.strip_prefix("date:") {
                        if let Some(part) = unknown_date_part(format) {
                            return Err(told(wrong::date(node, param, token, part)));
                        }
                    } else if let Some((id, name)) = token.rsplit_once('.') {
                        let Some(index) = self.named(id) else {
                            let names: Vec<&str> = self.graph.nodes.iter().map(|node| &node.id[..]).collect();
                            return Err(told(wrong::no_node(node, param, token, id, &names)));
                        };
                        let other = nodes[index].as_ref().ok_or(Fault::Elsewhere)?;
                        let value = other.params.get(name);
                        let value =
                            value.ok_or_else(|| told(wrong::no_param(node, param, token, other, name)))?;
                        filled += &safe(value);
                        continue;
                    } else if !TIMES.contains(&token) && !PICTURE.contains(&token) {
                        return Err(told(wrong::unknown(node, param, token)));
                    }
                    filled += &format!("%{token}%");
                }
            }
        }
        Ok(filled)
    }

    /// The node of that id, or the first of that title or kind.
    fn named(&self, name: &str) -> Option<usize> {
        let nodes = &self.graph.nodes;
        let by_id = self.ids.get(name).copied();
        let by_title = || nodes.iter().position(|node| node.title.as_deref() == Some(name));
        by_id.or_else(by_title).or_else(|| nodes.iter().position(|node| node.kind == name))
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::kinds;
    use crate::{Source, check, parse};

    fn prefix(prefix: &str) -> String {
        let text = format!(
            r#"{{ "20": {{ "class_type": "LoadImage", "inputs": {{ "image": "media/a.png" }}, "_meta": {{ "title": "My photo" }} }},
            "dream": {{ "class_type": "GradientAscent", "inputs": {{ "image": ["20", 0], "objective": ["vgg", 0], "rate": 2 }} }},
            "vgg": {{ "class_type": "VGGFeatures" }},
            "save": {{ "class_type": "SaveImage", "inputs": {{ "images": ["dream", 0], "filename_prefix": "{prefix}" }} }} }}"#
        );
        let (checked, problems) = check(&parse(&Source::new("g.json", text)).0, &kinds());
        assert!(problems.is_empty(), "{problems:?}");
        let checked = checked.expect("it can run");
        let save = checked.nodes.iter().find(|node| node.id == "save").expect("it is there");
        save.params["filename_prefix"].as_str().expect("a text").to_owned()
    }

    #[test]
    fn values_of_other_nodes_are_filled_in() {
        for (given, wanted) in [
            ("%20.image%", "media_a.png"),
            ("%My photo.image%/x", "media_a.png/x"),
            ("%LoadImage.image%", "media_a.png"),
            ("r%dream.rate%-%dream.octaves%", "r2-4"),
            ("%GradientAscent.carry%_%vgg.layers%", "detail_relu4_3"),
        ] {
            assert_eq!(prefix(given), wanted);
        }
    }

    #[test]
    fn what_is_known_later_stays() {
        for text in ["%year%-%month%/%width%x%height%", "%date:yyyy-MM-dd%", "50%-70%", "100%", "a"] {
            assert_eq!(prefix(text), text);
        }
    }

    #[test]
    fn a_node_with_errors_is_reported_once() {
        let text = r#"{ "photo": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "bad": { "class_type": "GradientAscent", "inputs": { "octaves": 99 } },
            "save": { "class_type": "SaveImage",
                "inputs": { "images": ["photo", 0], "filename_prefix": "%bad.octaves%" } } }"#;
        let (checked, problems) = check(&parse(&Source::new("g.json", text)).0, &kinds());
        assert!(checked.is_none());
        assert!(problems.iter().all(|problem| problem.code.as_str() != "graph::prefix"), "{problems:?}");
    }
}
