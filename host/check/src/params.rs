//! Complete params of a kind, as for a node without any.

use crate::Settings;
use crate::probe::Host;
use dreamwire_graph::{Format, KindInfo, Param, ParamType, check_param};
use serde_json::{Map, Value, json};

/// The content of every picture file.
const PICTURE: &[u8] = include_bytes!("probe.png");
/// The name of a required file.
const FILE: &str = "checker.png";
/// Required files, and one of them.
const FILES: [&str; 2] = ["checker/*.png", "checker/1.png"];
/// A required text of unknown meaning: many are numbers or lists of them.
const TEXT: &str = "0";

/// Settings, otherwise defaults, otherwise made-up values. Named files get content if the checker has some.
///
/// # Errors
/// If a setting is refused by the param's schema.
pub(crate) fn complete(
    kind: &KindInfo,
    settings: &Settings,
    host: &Host,
) -> Result<Map<String, Value>, String> {
    let mut params = Map::new();
    for param in &kind.params.list {
        let set = settings.get(&kind.id, &param.name);
        let value = match (set, &param.default) {
            (Some(text), _) => literal(param, text)?,
            (None, Some(default)) => default.clone(),
            (None, None) => made_up(param),
        };
        if let (Some(format), Some(path)) = (param.format, value.as_str())
            && format != Format::Output
            && !param.is_builtin(path)
        {
            give_file(format, path, set.is_some(), host);
        }
        params.insert(param.name.clone(), value);
    }
    Ok(params)
}

fn literal(param: &Param, text: &str) -> Result<Value, String> {
    let value = match param.ty {
        ParamType::String => json!(text),
        _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    };
    check_param(param, &value).map_err(|problem| format!("the value that was set: {}", problem.message))
}

/// A made-up value for a required param.
fn made_up(param: &Param) -> Value {
    let number = 1f64.max(param.minimum.unwrap_or(1.0)).min(param.maximum.unwrap_or(f64::INFINITY));
    match (&param.ty, param.format) {
        (ParamType::Integer, _) => json!(number.ceil() as i64),
        (ParamType::Number, _) => json!(number),
        (ParamType::Boolean, _) => json!(false),
        (ParamType::Array(_), _) => json!([]),
        (ParamType::String, Some(Format::Color)) => json!("#336699"),
        (ParamType::String, Some(Format::Output)) => json!(TEXT),
        (ParamType::String, Some(Format::Files)) => json!(FILES[0]),
        (ParamType::String, Some(_)) => json!(FILE),
        (ParamType::String, None) => json!(param.choices.first().map_or(TEXT, String::as_str)),
    }
}

/// A picture for a picture's param; the file itself if the user has named one. There are no weights.
fn give_file(format: Format, path: &str, named: bool, host: &Host) {
    if named && let Ok(content) = std::fs::read(path) {
        host.give_file(path, &content);
    } else if format == Format::File {
        host.give_file(path, PICTURE);
    } else if format == Format::Files {
        host.give_file(path, format!("{}\0", FILES[1]).as_bytes());
        host.give_file(FILES[1], PICTURE);
    }
}

/// Another value for a number whose default is refused: neither 0 nor large.
pub(crate) fn mended(kind: &KindInfo, name: &str, value: &Value) -> Option<Value> {
    let param = kind.params.get(name)?;
    let number = 16f64.max(param.minimum.unwrap_or(16.0)).min(param.maximum.unwrap_or(16.0));
    let mended = match param.ty {
        ParamType::Integer => json!(number.floor() as i64),
        ParamType::Number => json!(number),
        _ => return None,
    };
    (mended != *value).then_some(mended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_graph::Params;

    fn kind(properties: Value) -> KindInfo {
        let schema = json!({ "type": "object", "properties": properties });
        KindInfo {
            id: "K".to_owned(),
            version: 1,
            plugin: String::new(),
            file: String::new(),
            title: String::new(),
            category: String::new(),
            doc: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            params: Params::parse(&schema).unwrap().0,
            pure_: true,
            output: false,
            stateful: false,
        }
    }

    #[test]
    fn every_param_has_a_value() {
        let kind = kind(json!({
            "a": { "type": "integer", "default": 7 },
            "b": { "type": "number", "minimum": 2.5 },
            "c": { "type": "string", "enum": ["x", "y"] },
            "d": { "type": "string", "format": "dw-file" },
            "e": { "type": "boolean", "default": true },
        }));
        let complete = |settings: &[&str]| {
            let settings: Vec<String> = settings.iter().map(|s| (*s).to_owned()).collect();
            complete(&kind, &Settings::parse(&settings).unwrap(), &Host::new())
        };
        let expected = json!({ "a": 7, "b": 2.5, "c": "x", "d": FILE, "e": true });
        assert_eq!(Value::Object(complete(&[]).unwrap()), expected);
        let set = complete(&["K.a=9", "K.c=y", "K.e=false"]).unwrap();
        assert_eq!(Value::Object(set), json!({ "a": 9, "b": 2.5, "c": "y", "d": FILE, "e": false }));
        assert!(complete(&["K.c=z"]).unwrap_err().contains("has no choice `z`"));
    }

    #[test]
    fn a_refused_number_is_moved_into_its_range() {
        let kind = kind(json!({
            "a": { "type": "integer", "default": 0 },
            "b": { "type": "integer", "default": 1, "maximum": 4 },
            "c": { "type": "string", "default": "" },
        }));
        assert_eq!(mended(&kind, "a", &json!(0)), Some(json!(16)));
        assert_eq!(mended(&kind, "b", &json!(1)), Some(json!(4)));
        assert_eq!(mended(&kind, "b", &json!(4)), None);
        assert_eq!(mended(&kind, "c", &json!("")), None);
        assert_eq!(mended(&kind, "no", &json!(1)), None);
    }
}
