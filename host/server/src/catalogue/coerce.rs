//! The values that editors and clients send, made those of a graph file.

use dreamwire_graph::{AUTO, KindInfo, Kinds, Param, ParamType};
use serde_json::{Map, Number, Value, json};

/// Integers beyond this have no exact floating point representation.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Makes every value of a prompt (nodes by id) what its kind's param takes, so that what is stored, hashed and run does
/// not depend on who sent it. A value that cannot be converted stays as it is: the check reports it.
///
/// | param | takes |
/// |---|---|
/// | integer | numbers (without their fraction), texts of whole numbers, booleans |
/// | number | numbers, texts of numbers, booleans |
/// | string | numbers, booleans |
/// | boolean | numbers (not 0), the words true, false, yes, no, on, off, and an empty text |
/// | list | lists, JSON text, items with commas between them |
/// | `null` | where it may be given: an empty text, of a boolean the word auto |
///
/// Inputs that a kind does not have and fields that only an editor needs are dropped; links get their output by number.
/// Nodes of unknown kinds stay as they are.
pub(crate) fn coerce(prompt: &mut Map<String, Value>, kinds: &Kinds) {
    let kind_of = |node: &Value| Some(kinds.get(node.get("class_type")?.as_str()?)?.clone());
    let found: Vec<_> = prompt.values().map(kind_of).collect();
    let outputs: Map<String, Value> = prompt
        .keys()
        .zip(&found)
        .map(|(id, kind)| {
            let names = kind.iter().flat_map(|kind| &kind.outputs).map(|port| json!(port.name));
            (id.clone(), names.collect())
        })
        .collect();
    for (node, kind) in prompt.values_mut().zip(found) {
        let (Value::Object(node), Some(kind)) = (node, kind) else { continue };
        node.retain(|field, _| ["class_type", "inputs", "_meta"].contains(&field.as_str()));
        let title = node.get("_meta").and_then(|meta| meta.get("title")).filter(|title| title.is_string());
        match title.cloned() {
            Some(title) => node.insert("_meta".to_owned(), json!({ "title": title })),
            None => node.shift_remove("_meta"),
        };
        let Some(Value::Object(inputs)) = node.get_mut("inputs") else { continue };
        let given = std::mem::take(inputs);
        for (name, value) in given {
            if let Some(value) = input(&kind, &name, value, &outputs) {
                inputs.insert(name, value);
            }
        }
    }
}

/// An input in its canonical form; `None` if it is none.
fn input(kind: &KindInfo, name: &str, value: Value, outputs: &Map<String, Value>) -> Option<Value> {
    let value = unwrapped(value);
    let Some(param) = kind.params.get(name) else {
        // An editor may name a socket that nothing is connected to.
        return (is_port(kind, name) && !value.is_null()).then(|| link(&value, outputs).unwrap_or(value));
    };
    let takes_list = param.list || matches!(param.ty, ParamType::Array(_));
    match link(&value, outputs) {
        // Two texts may be a list.
        Some(link) if !takes_list || outputs.contains_key(link[0].as_str().unwrap_or_default()) => Some(link),
        _ => Some(literal(param, value)),
    }
}

fn is_port(kind: &KindInfo, name: &str) -> bool {
    let of_many = name.rsplit_once('.').filter(|(_, place)| place.parse::<usize>().is_ok());
    kind.inputs
        .iter()
        .any(|port| port.name == name || (port.many && of_many.is_some_and(|(base, _)| port.name == base)))
}

/// What is in `{"__value__": ...}`, which an editor writes around lists and curves.
fn unwrapped(mut value: Value) -> Value {
    match value.get_mut("__value__") {
        Some(inner) => inner.take(),
        None => value,
    }
}

/// A link, its output by number: JavaScript may write 0.0, and people the name. `None` if the value is no link.
fn link(value: &Value, outputs: &Map<String, Value>) -> Option<Value> {
    let Value::Array(items) = value else { return None };
    let [Value::String(node), output] = items.as_slice() else { return None };
    let output = match output {
        Value::Number(number) if number.as_f64().is_some_and(|real| real.fract() == 0.0) => {
            whole(number).map_or_else(|| output.clone(), Value::Number)
        }
        Value::Number(_) => output.clone(),
        Value::String(name) => {
            let names = outputs.get(node).and_then(Value::as_array);
            let place = names.and_then(|names| names.iter().position(|known| known == name));
            place.map_or_else(|| output.clone(), |place| json!(place))
        }
        _ => return None,
    };
    Some(json!([node, output]))
}

fn literal(param: &Param, value: Value) -> Value {
    let nullable = param.default == Some(Value::Null);
    let is_none = |text: &str| {
        text.trim().is_empty() || (param.ty == ParamType::Boolean && [AUTO, "null"].contains(&text))
    };
    if nullable && (value.is_null() || value.as_str().is_some_and(is_none)) {
        return Value::Null;
    }
    match &param.ty {
        ParamType::Integer => integer(&value).unwrap_or(value),
        ParamType::Number => real(&value).unwrap_or(value),
        ParamType::String => match value {
            Value::Number(_) | Value::Bool(_) => Value::String(value.to_string()),
            // A bare list would be read as a link.
            Value::Array(_) => json!({ "__value__": value }),
            _ => value,
        },
        ParamType::Boolean => truth(&value).map_or(value, Value::Bool),
        ParamType::Array(item) => match items(item, &value) {
            Some(items) => json!({ "__value__": items }),
            None => value,
        },
    }
}

/// The whole part of a number that is exact.
fn whole(number: &Number) -> Option<Number> {
    if number.is_i64() || number.is_u64() {
        return Some(number.clone());
    }
    let real = number.as_f64()?;
    (real.abs() <= EXACT).then(|| Number::from(real.trunc() as i64))
}

fn integer(value: &Value) -> Option<Value> {
    let number = match value {
        Value::Number(number) => whole(number)?,
        Value::Bool(truth) => Number::from(u8::from(*truth)),
        Value::String(text) => {
            let number: Number = text.trim().parse().ok()?;
            let has_fraction = number.as_f64().is_none_or(|real| real.fract() != 0.0);
            if has_fraction {
                return None;
            }
            whole(&number)?
        }
        _ => return None,
    };
    Some(Value::Number(number))
}

fn real(value: &Value) -> Option<Value> {
    let real = match value {
        Value::Number(number) => number.as_f64()?,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    Number::from_f64(real).map(Value::Number)
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => Some(number.as_f64()? != 0.0),
        Value::Null => Some(false),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" | "" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// The items of a list, given as a list or as text: `[1, 2]`, `1, 2`, and words without quotes.
fn items(item: &ParamType, value: &Value) -> Option<Vec<Value>> {
    let text = match value {
        Value::Array(items) => return Some(items.clone()),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let list = |text: &str| serde_json::from_str::<Vec<Value>>(text).ok();
    let words = || match item {
        ParamType::String => Some(text.split(',').map(|word| json!(word.trim())).collect()),
        _ => None,
    };
    list(text).or_else(|| list(&format!("[{text}]"))).or_else(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::kinds;
    use dreamwire_graph::{Source, check, parse};

    fn coerced(prompt: Value) -> Value {
        let Value::Object(mut prompt) = prompt else { panic!("a prompt is an object") };
        coerce(&mut prompt, &kinds());
        Value::Object(prompt)
    }

    /// The inputs of one node.
    fn inputs(kind: &str, inputs: Value) -> Value {
        coerced(json!({ "a": { "class_type": kind, "inputs": inputs } }))["a"]["inputs"].take()
    }

    #[test]
    fn values_of_widgets_become_those_of_params() {
        for (name, sent, stored) in [
            ("whole", json!(5.0), json!(5)),
            ("whole", json!(5.9), json!(5)),
            ("whole", json!(-5.9), json!(-5)),
            ("whole", json!(" 7 "), json!(7)),
            ("whole", json!("7.0"), json!(7)),
            ("whole", json!(true), json!(1)),
            ("whole", json!(u64::MAX), json!(u64::MAX)),
            ("whole", json!("7.5"), json!("7.5")),
            ("whole", json!("many"), json!("many")),
            ("whole", json!(1e300), json!(1e300)),
            ("real", json!(5), json!(5.0)),
            ("real", json!("0.25"), json!(0.25)),
            ("real", json!(false), json!(0.0)),
            ("real", json!("nan"), json!("nan")),
            ("text", json!(5), json!("5")),
            ("text", json!(true), json!("true")),
            ("text", json!(""), json!("")),
            ("flag", json!(2), json!(true)),
            ("flag", json!("False"), json!(false)),
            ("flag", json!(""), json!(false)),
            ("flag", json!("perhaps"), json!("perhaps")),
            ("list", json!("[1, 2]"), json!({ "__value__": [1, 2] })),
            ("list", json!("1, 2"), json!({ "__value__": [1, 2] })),
            ("list", json!([1, 2, 3]), json!({ "__value__": [1, 2, 3] })),
            ("list", json!({ "__value__": [1] }), json!({ "__value__": [1] })),
            ("list", json!(""), json!({ "__value__": [] })),
            ("list", json!("one"), json!("one")),
            ("words", json!("cat, dog"), json!({ "__value__": ["cat", "dog"] })),
            ("words", json!(["cat", "dog"]), json!({ "__value__": ["cat", "dog"] })),
            ("perhaps", json!(""), json!(null)),
            ("perhaps", json!("0.5"), json!(0.5)),
            ("perhaps", json!(null), json!(null)),
            ("either", json!("null"), json!(null)),
            ("either", json!("auto"), json!(null)),
            ("either", json!("true"), json!(true)),
            ("real", json!({ "__type__": "CURVE", "__value__": 3 }), json!(3.0)),
        ] {
            assert_eq!(inputs("Values", json!({ name: sent.clone() }))[name], stored, "{name}: {sent}");
        }
    }

    #[test]
    fn links_stay_links() {
        let prompt = coerced(json!({
            "3": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
            "n": { "class_type": "Values" },
            "5": { "class_type": "GradientAscent", "inputs": {
                "image": ["3", "IMAGE"], "objective": ["3", 1.0], "octaves": ["n", 0.0], "mask": null, "rate": ["x", "y"] } },
            "6": { "class_type": "Values", "inputs": { "words": ["n", "INT"] } },
        }));
        let dream =
            json!({ "image": ["3", 0], "objective": ["3", 1], "octaves": ["n", 0], "rate": ["x", "y"] });
        assert_eq!(prompt["5"]["inputs"], dream);
        assert_eq!(prompt["6"]["inputs"]["words"], json!(["n", 0]));
    }

    #[test]
    fn what_only_an_editor_needs_is_dropped() {
        let prompt = coerced(json!({
            "a": { "class_type": "LoadImage", "inputs": { "image": "a.png", "upload": "image", "objectives.0": ["b", 0] },
                "_meta": { "title": "Cat", "cnr_id": "x" }, "is_changed": ["x"] },
            "b": { "class_type": "SumObjective", "inputs": { "objectives.11": ["a", 0], "objectives.x": ["a", 0] }, "_meta": {} },
            "c": { "class_type": "Unknown", "inputs": { "upload": 1 }, "x": 2 },
        }));
        assert_eq!(
            prompt,
            json!({
                "a": { "class_type": "LoadImage", "inputs": { "image": "a.png" }, "_meta": { "title": "Cat" } },
                "b": { "class_type": "SumObjective", "inputs": { "objectives.11": ["a", 0] } },
                "c": { "class_type": "Unknown", "inputs": { "upload": 1 }, "x": 2 },
            })
        );
    }

    #[test]
    fn the_check_accepts_what_was_coerced() {
        let prompt = coerced(json!({
            "v": { "class_type": "Values", "inputs": { "whole": "3", "real": 2, "text": 4, "flag": 1, "list": "[1.5]",
                "words": "a,b", "perhaps": "", "either": "false" } },
            "s": { "class_type": "SaveImage", "inputs": { "images": ["p", 0.0] } },
            "p": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        }));
        let (graph, problems) = parse(&Source::new("prompt", prompt.to_string()));
        assert!(problems.is_empty(), "{problems:?}");
        let (checked, problems) = check(&graph, &kinds());
        assert!(checked.is_some() && problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
    }
}
