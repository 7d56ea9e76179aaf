use dreamwire_graph::reference::type_name;
use dreamwire_graph::{Format, KindInfo, Param, Port, bound_value};
use serde_json::{Value, json};

/// Everything about a kind, for programs.
pub(super) fn kind(kind: &KindInfo) -> Value {
    json!({
        "kind": kind.id,
        "version": kind.version,
        "plugin": kind.plugin,
        "file": kind.file,
        "title": kind.title,
        "category": kind.category,
        "doc": kind.doc,
        "pure": kind.pure_,
        "output": kind.output,
        "stateful": kind.stateful,
        "inputs": kind.inputs.iter().map(port).collect::<Vec<Value>>(),
        "outputs": kind.outputs.iter().map(port).collect::<Vec<Value>>(),
        "params": kind.params.list.iter().map(param).collect::<Vec<Value>>(),
        "schema": kind.params.schema,
    })
}

fn port(port: &Port) -> Value {
    json!({
        "name": port.name,
        "types": port.types,
        "optional": port.optional,
        "many": port.many,
        "doc": port.doc,
    })
}

fn param(param: &Param) -> Value {
    let mut value = json!({
        "name": param.name,
        "type": type_name(&param.ty),
        "required": param.default.is_none(),
        "doc": param.doc,
    });
    let mut add = |name: &str, fact: Option<Value>| {
        if let Some(fact) = fact {
            value[name] = fact;
        }
    };
    add("default", param.default.clone());
    add("minimum", param.minimum.map(bound_value));
    add("maximum", param.maximum.map(bound_value));
    add("step", param.step.map(|number| json!(number)));
    add("choices", Some(json!(param.choices)).filter(|_| !param.choices.is_empty()));
    add("builtin", Some(json!(param.builtin)).filter(|_| !param.builtin.is_empty()));
    add("format", param.format.map(|format| json!(format_name(format))));
    add("unit", param.unit.as_ref().map(|unit| json!(unit)));
    add("title", param.title.as_ref().map(|title| json!(title)));
    add("multiline", Some(json!(true)).filter(|_| param.multiline));
    value
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::File => "file",
        Format::Directory => "directory",
        Format::Files => "files",
        Format::Weights => "weights",
        Format::Color => "color",
        Format::Output => "output",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::example;

    #[test]
    fn a_kind_for_programs() {
        let value = kind(&example());
        assert_eq!(value["params"][0]["default"], json!(4));
        assert_eq!(value["params"][2]["required"], json!(true));
        assert_eq!(value["inputs"][1]["optional"], json!(true));
    }
}
