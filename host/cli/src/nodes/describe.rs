//! The description of one kind, with its types, ranges and defaults.

use dreamwire_graph::{KindInfo, Param, ParamType, Port, bound};

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
        text += &format!("  {}: {}\n", param.name, facts(param).join(", "));
        indented(&mut text, &param.doc);
    }
    text
}

fn ports(text: &mut String, title: &str, ports: &[Port]) {
    if !ports.is_empty() {
        *text += &format!("\n{title}\n");
    }
    for port in ports {
        *text += &format!("  {}: {}\n", port.name, port_type(port));
        indented(text, &port.doc);
    }
}

fn indented(text: &mut String, doc: &str) {
    for line in doc.lines().filter(|line| !line.trim().is_empty()) {
        *text += &format!("      {}\n", line.trim());
    }
}

/// The types of a port: "OBJECTIVE or FEATURES, optional".
pub(super) fn port_type(port: &Port) -> String {
    let mut text = port.types.join(" or ");
    if port.many {
        text += ", any number";
    } else if port.optional {
        text += ", optional";
    }
    text
}

/// The facts about a param: "integer", "1 to 16", "default 4".
pub(super) fn facts(param: &Param) -> Vec<String> {
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
pub(super) fn type_name(ty: &ParamType) -> String {
    match ty {
        ParamType::Integer => "integer".to_owned(),
        ParamType::Number => "number".to_owned(),
        ParamType::String => "string".to_owned(),
        ParamType::Boolean => "boolean".to_owned(),
        ParamType::Array(item) => format!("list of {}s", type_name(item)),
    }
}

/// The range of a param: "1 to 16", "at least 0".
pub(super) fn range(param: &Param) -> Option<String> {
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
