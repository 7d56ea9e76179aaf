use serde_json::{Map, Value, json};

use crate::editor;
use crate::kinds::{KindInfo, Kinds, Port};
use crate::params::{Param, ParamType};
use crate::varying::Ease;

/// The JSON Schema of a graph file, from the kinds: editors complete and check with it (`graphs/schema.json`).
pub fn file_schema(kinds: &Kinds) -> Value {
    let names: Vec<&str> = kinds.iter().map(|kind| kind.id.as_str()).collect();
    let mut defs = Map::new();
    defs.insert("link".to_owned(), link());
    defs.insert("curve".to_owned(), curve());
    defs.insert("previous".to_owned(), previous());
    defs.insert("rows".to_owned(), rows());
    let mut rules = Vec::new();
    for kind in kinds.iter() {
        let inputs = inputs(kind);
        let mut then = json!({ "properties": { "inputs": { "$ref": format!("#/$defs/{}", kind.id) } } });
        if inputs.get("required").is_some() {
            then["required"] = json!(["inputs"]);
        }
        rules.push(json!({
            "if": { "properties": { "class_type": { "const": kind.id } }, "required": ["class_type"] },
            "then": then,
        }));
        defs.insert(kind.id.clone(), inputs);
    }
    let mut node = json!({
        "type": "object",
        "properties": {
            "class_type": { "description": "The kind of the node.", "enum": names },
            "inputs": { "type": "object" },
            "_meta": { "type": "object", "properties": { "title": { "type": "string" } } },
        },
        "patternProperties": { "^x-": true, (format!("^({})$", editor::FIELDS.join("|"))): true },
        "additionalProperties": false,
        "required": ["class_type"],
    });
    if !rules.is_empty() {
        node["allOf"] = Value::Array(rules);
    }
    defs.insert("node".to_owned(), node);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Dreamwire graph",
        "type": "object",
        "properties": {
            "$schema": { "type": "string" },
            "$dreamwire": { "description": "Version of the file format.", "const": 1 },
        },
        "patternProperties": { "^(\\$|x-)": true, "^(?!\\$|x-)": { "$ref": "#/$defs/node" } },
        "$defs": defs,
    })
}

fn link() -> Value {
    json!({
        "description": "A link: the name of a node, and one of its outputs by name or index.",
        "type": "array",
        "prefixItems": [
            { "type": "string" },
            { "anyOf": [{ "type": "string" }, { "type": "integer", "minimum": 0 }] },
        ],
        "minItems": 2,
        "maxItems": 2,
    })
}

fn curve() -> Value {
    json!({
        "description": "A number for each frame of a run: values at two or more of them.",
        "type": "object",
        "properties": {
            "__curve__": {
                "type": "object",
                "patternProperties": { "^-?[0-9]+$": { "type": "number" } },
                "additionalProperties": false,
                "minProperties": 2,
            },
            "ease": { "description": "How it goes from one to the next.", "enum": Ease::NAMES },
        },
        "additionalProperties": false,
        "required": ["__curve__"],
    })
}

fn previous() -> Value {
    let link = json!({ "$ref": "#/$defs/link" });
    json!({
        "description": "An output as it was in the row before; the first row takes `first`.",
        "type": "object",
        "properties": { "__previous__": link, "first": link },
        "additionalProperties": false,
        "required": ["__previous__", "first"],
    })
}

fn rows() -> Value {
    json!({
        "description": "An output of all rows as one batch, or what distinguishes them as texts.",
        "type": "object",
        "properties": { "__rows__": { "anyOf": [{ "$ref": "#/$defs/link" }, { "const": "labels" }] } },
        "additionalProperties": false,
        "required": ["__rows__"],
    })
}

fn inputs(kind: &KindInfo) -> Value {
    let mut properties = Map::new();
    let mut patterns = Map::new();
    let mut required: Vec<&str> = Vec::new();
    for port in &kind.inputs {
        properties.insert(port.name.clone(), port_schema(port));
        if port.many {
            let pattern = format!("^{}\\.[0-9]+$", port.name);
            patterns.insert(pattern, port_schema(port));
        } else if !port.optional {
            required.push(&port.name);
        }
    }
    for param in &kind.params.list {
        let given = &kind.params.schema["properties"][param.name.as_str()];
        properties.insert(param.name.clone(), param_schema(param, given));
        if param.default.is_none() {
            required.push(&param.name);
        }
    }
    properties.extend(editor::inputs().map(|name| (name.to_owned(), json!(true))));
    patterns.extend(editor::INPUT_PATTERNS.map(|pattern| (pattern.to_owned(), json!(true))));
    let mut schema = json!({
        "description": kind.doc,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    if !patterns.is_empty() {
        schema["patternProperties"] = Value::Object(patterns);
    }
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn port_schema(port: &Port) -> Value {
    let types = port.type_text();
    let doc = if port.doc.is_empty() { types } else { format!("{types}: {}", port.doc) };
    json!({ "description": doc, "anyOf": links() })
}

/// A link, also to what another row or all rows of a run give.
fn links() -> [Value; 3] {
    ["link", "previous", "rows"].map(|name| json!({ "$ref": format!("#/$defs/{name}") }))
}

/// A literal of the param's schema, or a link where a scalar output could fit.
fn param_schema(param: &Param, given: &Value) -> Value {
    let mut schema = json!({ "description": param.doc });
    if let Some(default) = &param.default {
        schema["default"] = default.clone();
    }
    schema["anyOf"] = match &param.ty {
        ParamType::Array(_) => json!([
            { "type": "object", "properties": { "__value__": given }, "required": ["__value__"] },
            { "$ref": "#/$defs/rows" },
        ]),
        ty => {
            let mut all = vec![given.clone()];
            all.extend(links());
            if matches!(ty, ParamType::Integer | ParamType::Number) {
                all.push(json!({ "$ref": "#/$defs/curve" }));
            }
            Value::Array(all)
        }
    };
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::kinds;

    #[test]
    fn inputs_of_a_kind() {
        let schema = file_schema(&kinds());
        let dream = &schema["$defs"]["GradientAscent"];
        assert_eq!(dream["required"], json!(["image", "objective"]));
        assert_eq!(dream["properties"]["octaves"]["anyOf"][0]["maximum"], json!(16));
        assert_eq!(dream["properties"]["octaves"]["default"], json!(4));
        let sum = &schema["$defs"]["SumObjective"];
        assert_eq!(
            sum["patternProperties"]["^objectives\\.[0-9]+$"]["anyOf"][0]["$ref"],
            json!("#/$defs/link")
        );
        assert_eq!(dream["properties"]["octaves"]["anyOf"][4]["$ref"], json!("#/$defs/curve"));
        let classes = schema["$defs"]["node"]["properties"]["class_type"]["enum"].as_array().unwrap();
        assert_eq!(classes.len(), kinds().len());
    }
}
