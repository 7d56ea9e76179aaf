use serde_json::{Map, Value};

use super::{Format, Param, ParamType, Params, check_param};

const TOP: [&str; 9] = [
    "$schema",
    "type",
    "title",
    "description",
    "properties",
    "required",
    "additionalProperties",
    "default",
    "x-dw-output",
];

pub(super) fn parse(schema: &Value) -> Result<(Params, String), String> {
    let top = schema.as_object().ok_or("the params schema is not an object")?;
    if let Some(keyword) = top.keys().find(|key| !TOP.contains(&key.as_str())) {
        return Err(format!("keyword `{keyword}` is outside the subset of params schemas"));
    }
    if top.get("type").is_some_and(|ty| ty.as_str() != Some("object")) {
        return Err("the params schema must have type `object`".to_owned());
    }
    let mut list = Vec::new();
    if let Some(properties) = top.get("properties") {
        let properties = properties.as_object().ok_or("`properties` is not an object")?;
        for (name, property) in properties {
            list.push(param(name, property).map_err(|what| format!("param `{name}`: {what}"))?);
        }
    }
    let doc = text(top, "description")?.unwrap_or_default();
    let publishes = text(top, "x-dw-output")?;
    Ok((Params { list, publishes, schema: schema.clone() }, doc))
}

fn param(name: &str, property: &Value) -> Result<Param, String> {
    let map = property.as_object().ok_or("its schema is not an object")?;
    let mut param = Param {
        name: name.to_owned(),
        doc: text(map, "description")?.unwrap_or_default(),
        ty: ParamType::String,
        default: map.get("default").cloned(),
        minimum: None,
        maximum: None,
        choices: Vec::new(),
        format: None,
        builtin: Vec::new(),
        list: false,
        step: number(map, "x-dw-step")?,
        unit: text(map, "x-dw-unit")?,
        multiline: false,
        title: text(map, "title")?,
    };
    for (keyword, value) in map {
        match keyword.as_str() {
            "description" | "title" | "default" | "x-dw-step" | "x-dw-unit" => {}
            "type" | "items" | "minimum" | "maximum" | "enum" | "format" => {}
            "x-dw-builtin" => param.builtin = texts(value, keyword)?,
            "x-dw-list" => param.list = value.as_bool().ok_or("`x-dw-list` is not a boolean")?,
            "x-dw-multiline" => {
                param.multiline = value.as_bool().ok_or("`x-dw-multiline` is not a boolean")?;
            }
            _ => return Err(format!("keyword `{keyword}` is outside the subset of params schemas")),
        }
    }
    let (ty, nullable) = value_type(map, &mut param)?;
    param.ty = ty;
    if param.list && param.ty != ParamType::String {
        return Err("`x-dw-list` is for strings".to_owned());
    }
    if nullable && param.default.is_none() {
        param.default = Some(Value::Null);
    }
    match &param.default {
        None => {}
        Some(Value::Null) if nullable => {}
        Some(Value::Null) => return Err("the default is `null`, which its type does not allow".to_owned()),
        Some(default) => {
            let canonical = check_param(&param, default)
                .map_err(|problem| format!("its own default is refused: {}", problem.message))?;
            param.default = Some(canonical);
        }
    }
    Ok(param)
}

/// The type, and whether `null` is allowed. Constraints go to `param`, from an array's items too.
fn value_type(map: &Map<String, Value>, param: &mut Param) -> Result<(ParamType, bool), String> {
    let (name, nullable) = match map.get("type") {
        Some(Value::String(name)) => (name.clone(), false),
        Some(Value::Array(names)) => {
            let real: Vec<&str> =
                names.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect();
            match real.as_slice() {
                [name] => ((*name).to_owned(), names.len() == 2),
                _ => return Err("`type` names several types".to_owned()),
            }
        }
        Some(_) => return Err("`type` is not a string".to_owned()),
        None if map.contains_key("enum") => ("string".to_owned(), false),
        None => return Err("it has no `type`".to_owned()),
    };
    let ty = match name.as_str() {
        "integer" => ParamType::Integer,
        "number" => ParamType::Number,
        "string" => ParamType::String,
        "boolean" => ParamType::Boolean,
        "array" => {
            let items = map.get("items").and_then(Value::as_object).ok_or("an array needs `items`")?;
            const ITEM: [&str; 8] =
                ["type", "items", "minimum", "maximum", "enum", "format", "description", "title"];
            if let Some(keyword) = items.keys().find(|key| !ITEM.contains(&key.as_str())) {
                return Err(format!("keyword `{keyword}` is outside the subset of params schemas"));
            }
            let (item, null_items) = value_type(items, param)?;
            if null_items {
                return Err("items of an array cannot be `null`".to_owned());
            }
            ParamType::Array(Box::new(item))
        }
        other => return Err(format!("type `{other}` is outside the subset of params schemas")),
    };
    constraints(map, param)?;
    Ok((ty, nullable))
}

fn constraints(map: &Map<String, Value>, param: &mut Param) -> Result<(), String> {
    if let Some(value) = map.get("format") {
        match value.as_str().ok_or("`format` is not a string")? {
            "dw-file" => param.format = Some(Format::File),
            "dw-directory" => param.format = Some(Format::Directory),
            "dw-files" => param.format = Some(Format::Files),
            "dw-weights" => param.format = Some(Format::Weights),
            "dw-color" => param.format = Some(Format::Color),
            "dw-output" => param.format = Some(Format::Output),
            // schemars states the Rust type here.
            "uint" | "uint8" | "uint16" | "uint32" | "uint64" => {
                param.minimum.get_or_insert(0.0);
            }
            "int" | "int8" | "int16" | "int32" | "int64" | "float" | "double" => {}
            other => return Err(format!("format `{other}` is outside the subset of params schemas")),
        }
    }
    if let Some(minimum) = number(map, "minimum")? {
        param.minimum = Some(minimum);
    }
    if let Some(maximum) = number(map, "maximum")? {
        param.maximum = Some(maximum);
    }
    if let Some(choices) = map.get("enum") {
        let choices = choices.as_array().ok_or("`enum` is not a list")?;
        for choice in choices.iter().filter(|choice| !choice.is_null()) {
            let choice = choice.as_str().ok_or("`enum` has a choice that is not a string")?;
            param.choices.push(choice.to_owned());
        }
    }
    Ok(())
}

fn text(map: &Map<String, Value>, keyword: &str) -> Result<Option<String>, String> {
    match map.get(keyword) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("`{keyword}` is not a string")),
    }
}

fn number(map: &Map<String, Value>, keyword: &str) -> Result<Option<f64>, String> {
    match map.get(keyword) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| format!("`{keyword}` is not a number")),
    }
}

fn texts(value: &Value, keyword: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("`{keyword}` is not a list of strings");
    let mut found = Vec::new();
    for item in value.as_array().ok_or_else(wrong)? {
        found.push(item.as_str().ok_or_else(wrong)?.to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn one(property: Value) -> Result<Param, String> {
        let schema = json!({ "type": "object", "properties": { "p": property } });
        parse(&schema).map(|(mut params, _)| params.list.remove(0))
    }

    #[test]
    fn reads_what_schemars_writes() {
        let seed = one(json!({ "type": "integer", "format": "uint64", "default": 7, "maximum": 9 })).unwrap();
        assert_eq!((seed.minimum, seed.maximum), (Some(0.0), Some(9.0)));
        let text = one(json!({ "type": ["string", "null"], "format": "dw-file" })).unwrap();
        assert_eq!(text.default, Some(Value::Null));
        let list = one(json!({ "type": "array", "items": { "type": "number", "minimum": 0 } })).unwrap();
        assert_eq!(list.ty, ParamType::Array(Box::new(ParamType::Number)));
        assert_eq!(list.minimum, Some(0.0));
        let rate = one(json!({ "type": "number", "default": 1 })).unwrap();
        assert_eq!(rate.default, Some(json!(1.0)));
    }

    #[test]
    fn reads_what_a_kind_publishes() {
        let prefix = one(json!({ "type": "string", "format": "dw-output", "default": "cat" })).unwrap();
        assert_eq!(prefix.format, Some(Format::Output));
        let fixed = json!({ "type": "object", "properties": {}, "x-dw-output": "preview/preview" });
        assert_eq!(parse(&fixed).unwrap().0.publishes.as_deref(), Some("preview/preview"));
        let wrong = parse(&json!({ "type": "object", "x-dw-output": 1 })).unwrap_err();
        assert_eq!(wrong, "`x-dw-output` is not a string");
    }

    #[test]
    fn names_what_is_outside() {
        let wrong = one(json!({ "type": "integer", "multipleOf": 2 })).unwrap_err();
        assert_eq!(wrong, "param `p`: keyword `multipleOf` is outside the subset of params schemas");
        let wrong = one(json!({ "type": "integer", "minimum": 1, "default": 0 })).unwrap_err();
        assert_eq!(wrong, "param `p`: its own default is refused: `p` is 0, which is out of range");
        let wrong = parse(&json!({ "type": "object", "$defs": {} })).unwrap_err();
        assert_eq!(wrong, "keyword `$defs` is outside the subset of params schemas");
    }
}
