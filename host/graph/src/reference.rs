//! Kinds in words: types, ranges and defaults, and their pages of the node reference.

use crate::kinds::{KindInfo, Port};
use crate::params::{Param, ParamType, bound};

/// Everything about a kind as Markdown, without a heading: its doc, then tables of its ports and params. It holds no
/// paths, so that it is the same on every machine.
pub fn markdown(kind: &KindInfo) -> String {
    let mut text = String::new();
    if !kind.doc.is_empty() {
        text += &format!("{}\n", kind.doc.trim());
    }
    ports(&mut text, "input", &kind.inputs);
    ports(&mut text, "output", &kind.outputs);
    if !kind.params.list.is_empty() {
        table(&mut text, "| param | values | |");
    }
    for param in &kind.params.list {
        text += &row(&param.name, &param_facts(param).join(", "), &param.doc);
    }
    text
}

fn ports(text: &mut String, title: &str, ports: &[Port]) {
    if !ports.is_empty() {
        table(text, &format!("| {title} | type | |"));
    }
    for port in ports {
        *text += &row(&port.name, &port_facts(port), &port.doc);
    }
}

fn table(text: &mut String, head: &str) {
    if !text.is_empty() {
        *text += "\n";
    }
    *text += &format!("{head}\n|---|---|---|\n");
}

fn row(name: &str, values: &str, doc: &str) -> String {
    format!("| `{name}` | {} | {} |\n", cell(values), cell(doc))
}

/// The text of a table cell: one line, with `|` escaped.
fn cell(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

/// The types of a port: "OBJECTIVE or FEATURES, optional".
pub fn port_facts(port: &Port) -> String {
    let mut text = port.types.join(" or ");
    if port.many {
        text += ", any number";
    } else if port.optional {
        text += ", optional";
    }
    text
}

/// The facts about a param: "integer", "1 to 16", "default 4".
pub fn param_facts(param: &Param) -> Vec<String> {
    let mut facts = vec![type_name(&param.ty)];
    if !param.choices.is_empty() {
        facts.push(format!("one of {}", param.choices.join(", ")));
    }
    facts.extend(range(param));
    facts.extend(param.unit.as_ref().map(|unit| format!("in {unit}")));
    facts.push(match &param.default {
        Some(default) => format!("default {default}"),
        None => "required".to_owned(),
    });
    facts
}

/// The name of a type: "integer", "list of numbers".
pub fn type_name(ty: &ParamType) -> String {
    match ty {
        ParamType::Integer => "integer".to_owned(),
        ParamType::Number => "number".to_owned(),
        ParamType::String => "string".to_owned(),
        ParamType::Boolean => "boolean".to_owned(),
        ParamType::Array(item) => format!("list of {}s", type_name(item)),
    }
}

/// The range of a param: "1 to 16", "at least 0".
fn range(param: &Param) -> Option<String> {
    match (param.minimum, param.maximum) {
        (Some(minimum), Some(maximum)) => Some(format!("{} to {}", bound(minimum), bound(maximum))),
        (Some(minimum), None) => Some(format!("at least {}", bound(minimum))),
        (None, Some(maximum)) => Some(format!("at most {}", bound(maximum))),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::kinds;

    #[test]
    fn a_page_has_the_doc_and_tables() {
        let kinds = kinds();
        let text = markdown(kinds.get("GradientAscent").unwrap());
        assert!(
            text.starts_with("| input | type | |\n|---|---|---|\n| `image` | IMAGE or LATENT_W |  |\n"),
            "{text}"
        );
        assert!(text.contains("\n\n| param | values | |\n|---|---|---|\n"), "{text}");
        assert!(text.contains("| `octaves` | integer, 1 to 16, default 4 |  |\n"), "{text}");
        let documented = KindInfo { doc: "Blurs.\n".to_owned(), ..(**kinds.get("Blur").unwrap()).clone() };
        assert!(markdown(&documented).starts_with("Blurs.\n\n| input |"));
        assert_eq!(cell("a |\n b"), "a \\| b");
    }

    #[test]
    fn ports_in_words() {
        let kinds = kinds();
        let inputs = |kind: &str| kinds.get(kind).unwrap().inputs.iter().map(port_facts).collect::<Vec<_>>();
        assert_eq!(inputs("SumObjective"), ["OBJECTIVE or FEATURES, any number"]);
        assert_eq!(inputs("GradientAscent")[2], "MASK, optional");
    }
}
