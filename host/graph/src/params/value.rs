use serde_json::{Number, Value};

use super::{Format, Param, ParamType};
use crate::diagnostic::Code;
use crate::diagnostics::{param_choice, param_range, param_type};
use crate::hint::Hint;
use crate::suggest::{did_you_mean, lines};

/// Integers beyond this have no exact floating point representation.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The code of the problem.
    pub code: Code,
    /// What is wrong; names the param.
    pub message: String,
    /// The label of the value.
    pub label: String,
    /// The hint.
    pub hint: Option<Hint>,
}

impl Problem {
    /// What is wrong, where the value itself cannot be shown with its label: it came over a link.
    pub fn without_label(&self) -> String {
        match self.code == param_range::CODE {
            true => format!("{} ({})", self.message, self.label),
            false => self.message.clone(),
        }
    }
}

/// Checks one value against one param and returns its canonical form: 5.0 for an integer is 5, and 5 for a
/// number is 5.0, so that equal settings have equal keys.
pub fn check_param(param: &Param, value: &Value) -> Result<Value, Problem> {
    if value.is_null() && param.nullable() {
        return Ok(Value::Null);
    }
    check(param, &param.ty, value, &format!("`{}`", param.name))
}

/// `name` is what messages call the value: "`sizes`", or "item 2 of `sizes`".
fn check(param: &Param, ty: &ParamType, value: &Value, name: &str) -> Result<Value, Problem> {
    match (ty, value) {
        (ParamType::Boolean, Value::Bool(_)) => Ok(value.clone()),
        (ParamType::Integer, Value::Number(number)) => integer(param, number, name),
        (ParamType::Number, Value::Number(number)) => {
            let real = number.as_f64().unwrap_or(f64::NAN);
            if !in_range(param, real) {
                return Err(out_of_range(param, number, name));
            }
            Ok(Number::from_f64(real).map_or_else(|| value.clone(), Value::Number))
        }
        (ParamType::String, Value::String(text)) => string(param, text, name),
        (ParamType::String, Value::Array(items)) if param.list => {
            let texts: Option<Vec<String>> = items.iter().map(list_item).collect();
            let texts = texts.ok_or_else(|| wrong_type(param, ty, value, name))?;
            string(param, &texts.join(","), name)
        }
        // `"bits": 16` is as clear as `"bits": "16"`.
        (ParamType::String, Value::Number(_) | Value::Bool(_))
            if param.list
                || (value.is_number() && param.has_whole_choices())
                || param.choices.contains(&value.to_string()) =>
        {
            string(param, &value.to_string(), name)
        }
        (ParamType::Array(item), Value::Array(values)) => {
            let mut list = Vec::with_capacity(values.len());
            for (index, value) in values.iter().enumerate() {
                list.push(check(param, item, value, &format!("item {} of {name}", index + 1))?);
            }
            Ok(Value::Array(list))
        }
        _ => Err(wrong_type(param, ty, value, name)),
    }
}

/// An item of a comma-separated list: a text without a comma, or a number.
fn list_item(item: &Value) -> Option<String> {
    match item {
        Value::String(text) if !text.contains(',') => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn integer(param: &Param, number: &Number, name: &str) -> Result<Value, Problem> {
    let real = number.as_f64().unwrap_or(f64::NAN);
    let whole = if number.is_i64() || number.is_u64() {
        number.clone()
    } else if real.fract() != 0.0 {
        return Err(Problem {
            code: param_type::CODE,
            message: format!("{name} must be an integer, but {number} has a fraction"),
            label: "not a whole number".to_owned(),
            hint: None,
        });
    } else if real.abs() > EXACT {
        return Err(Problem {
            code: param_type::CODE,
            message: format!("{name} must be an integer, but {number} is too large to be exact"),
            label: "too large".to_owned(),
            hint: None,
        });
    } else {
        Number::from(real as i64)
    };
    // 2^63 and 2^63 - 1 are the same float.
    let exact = whole.as_i128().is_none_or(|exact| exact <= i128::from(i64::MAX) || !ends_at_63_bits(param));
    if !exact || !in_range(param, real) {
        return Err(out_of_range(param, &whole, name));
    }
    Ok(Value::Number(whole))
}

/// Whether the range of a param ends at 2^63 - 1, which is 2^63 as a float.
fn ends_at_63_bits(param: &Param) -> bool {
    param.maximum == Some(i64::MAX as f64)
}

fn in_range(param: &Param, real: f64) -> bool {
    let low = param.minimum.is_none_or(|minimum| real >= minimum);
    low && param.maximum.is_none_or(|maximum| real <= maximum)
}

fn out_of_range(param: &Param, shown: &Number, name: &str) -> Problem {
    let allowed = match (param.minimum, param.maximum) {
        (Some(minimum), Some(maximum)) => format!("allowed: {} to {}", bound(minimum), bound(maximum)),
        (Some(minimum), None) => format!("allowed: {} or more", bound(minimum)),
        (None, Some(maximum)) => format!("allowed: {} or less", bound(maximum)),
        (None, None) => String::new(),
    };
    Problem {
        code: param_range::CODE,
        message: format!("{name} is {shown}, which is out of range"),
        label: allowed,
        hint: param.unit.as_ref().map(|unit| format!("the unit is {unit}").into()),
    }
}

/// A bound of a param as people write it. The largest integers are not exact as floats: 2^63 stands for
/// 2^63 - 1, and 2^64 for 2^64 - 1.
pub fn bound(bound: f64) -> String {
    large(bound).map_or_else(|| bound.to_string(), |whole| whole.to_string())
}

/// A bound of a param as JSON.
pub fn bound_value(bound: f64) -> Value {
    match large(bound) {
        Some(whole) => Number::from_i128(whole).map_or_else(|| Value::from(bound), Value::Number),
        None => Value::from(bound),
    }
}

fn large(bound: f64) -> Option<i128> {
    if bound == i64::MAX as f64 {
        return Some(i128::from(i64::MAX));
    }
    // A cast gives the nearest integer that there is.
    let positive = (bound > EXACT && bound <= u64::MAX as f64).then_some(i128::from(bound as u64));
    positive.or((bound < -EXACT && bound >= i64::MIN as f64).then_some(i128::from(bound as i64)))
}

fn string(param: &Param, text: &str, name: &str) -> Result<Value, Problem> {
    if !param.choices.is_empty() && !param.choices.iter().any(|choice| choice == text) {
        let names = || param.choices.iter().map(String::as_str);
        let list: Vec<String> = names().map(|choice| format!("`{choice}`")).collect();
        return Err(Problem {
            code: param_choice::CODE,
            message: format!("{name} has no choice `{text}`"),
            label: "not a choice".to_owned(),
            hint: Some(
                lines([did_you_mean(text, names()), Some(format!("choices: {}", list.join(", ")))]).into(),
            ),
        });
    }
    let refused = |what: &str, label: &str| Problem {
        code: param_type::CODE,
        message: format!("{name} {what}"),
        label: label.to_owned(),
        hint: None,
    };
    match param.format {
        Some(Format::Color) if !is_color(text) => {
            Err(refused(&format!("must be a colour, but `{text}` is not"), "write it as `#rrggbb`"))
        }
        Some(Format::File | Format::Weights) if text.is_empty() && !param.is_builtin("") => {
            Err(refused("is empty", "a file is needed"))
        }
        Some(Format::Directory | Format::Files) if text.is_empty() && !param.is_builtin("") => {
            Err(refused("is empty", "a folder is needed"))
        }
        _ => Ok(Value::String(text.to_owned())),
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|digits| {
        matches!(digits.len(), 3 | 6 | 8) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

fn wrong_type(param: &Param, ty: &ParamType, value: &Value, name: &str) -> Problem {
    let found = match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    let hint = match (ty, value) {
        (ParamType::Integer | ParamType::Number | ParamType::Boolean, Value::String(text)) => {
            match serde_json::from_str::<Value>(text) {
                Ok(bare) if check(param, ty, &bare, name).is_ok() => {
                    Some(format!("write it without quotes: {bare}"))
                }
                _ => word_for_boolean(text).filter(|_| *ty == ParamType::Boolean),
            }
        }
        (ParamType::String, Value::Number(_) | Value::Bool(_)) => {
            Some(format!("write it in quotes: \"{value}\""))
        }
        (ParamType::Array(_), _) => Some("a list is written {\"__value__\": [...]}".to_owned()),
        (ParamType::String, _) if param.list => {
            Some("write a text with commas, \"a, b\", or a list of texts, [\"a\", \"b\", \"c\"]".to_owned())
        }
        _ => None,
    };
    Problem {
        code: param_type::CODE,
        message: format!("{name} must be {}, but this is {found}", ty.one()),
        label: found.to_owned(),
        hint: hint.map(Hint::from),
    }
}

fn word_for_boolean(text: &str) -> Option<String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some("did you mean true".to_owned()),
        "false" | "no" | "off" | "0" => Some("did you mean false".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Params;
    use super::*;

    fn check(property: Value, value: Value) -> Result<Value, String> {
        let schema = json!({ "type": "object", "properties": { "p": property } });
        let (params, _) = Params::parse(&schema).unwrap();
        check_param(&params.list[0], &value).map_err(|problem| problem.message)
    }

    #[test]
    fn canonical_numbers() {
        assert_eq!(check(json!({"type": "integer"}), json!(5.0)), Ok(json!(5)));
        assert_eq!(check(json!({"type": "number"}), json!(5)), Ok(json!(5.0)));
        assert_eq!(check(json!({"type": "integer"}), json!(u64::MAX)), Ok(json!(u64::MAX)));
        assert_eq!(
            check(json!({"type": "integer"}), json!(2.5)),
            Err("`p` must be an integer, but 2.5 has a fraction".into())
        );
        assert!(check(json!({"type": "integer"}), json!(1e300)).unwrap_err().contains("too large"));
    }

    #[test]
    fn seeds_go_to_the_largest_integer_and_stay_exact() {
        let seed = json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX });
        for whole in [0, 9_007_199_254_740_993, u64::MAX - 1, u64::MAX] {
            assert_eq!(check(seed.clone(), json!(whole)), Ok(json!(whole)));
        }
        assert!(check(seed.clone(), json!(-1)).is_err());
        assert!(check(seed, json!(18_446_744_073_709_551_616.0)).unwrap_err().contains("exact"));
        assert_eq!((bound(u64::MAX as f64).as_str(), bound(16.0).as_str()), ("18446744073709551615", "16"));
        assert_eq!(bound_value(u64::MAX as f64), json!(u64::MAX));
        assert_eq!(bound_value(16.0), json!(16.0));
    }

    #[test]
    fn signed_integers_end_at_63_bits() {
        let signed = json!({ "type": "integer", "minimum": i64::MIN, "maximum": i64::MAX });
        for whole in [i64::MIN, -1, i64::MAX - 1, i64::MAX] {
            assert_eq!(check(signed.clone(), json!(whole)), Ok(json!(whole)));
        }
        let wrong = check(signed, json!(1_u64 << 63)).unwrap_err();
        assert_eq!(wrong, "`p` is 9223372036854775808, which is out of range");
        for (end, text) in [(i64::MAX, "9223372036854775807"), (i64::MIN, "-9223372036854775808")] {
            assert_eq!((bound(end as f64).as_str(), bound_value(end as f64)), (text, json!(end)));
        }
    }

    #[test]
    fn without_a_label_a_range_is_told_in_the_message() {
        let schema = json!({ "type": "object", "properties": { "p": { "type": "integer", "maximum": 9 } } });
        let (params, _) = Params::parse(&schema).unwrap();
        let told = |value: Value| check_param(&params.list[0], &value).unwrap_err().without_label();
        assert_eq!(told(json!(12)), "`p` is 12, which is out of range (allowed: 9 or less)");
        assert_eq!(told(json!("a")), "`p` must be an integer, but this is a string");
    }

    #[test]
    fn lists_item_by_item() {
        let list = json!({"type": "array", "items": {"type": "integer", "maximum": 9}});
        assert_eq!(check(list.clone(), json!([1, 2.0])), Ok(json!([1, 2])));
        assert_eq!(
            check(list.clone(), json!([1, 10])),
            Err("item 2 of `p` is 10, which is out of range".into())
        );
        assert_eq!(
            check(list, json!(["a"])),
            Err("item 1 of `p` must be an integer, but this is a string".into())
        );
    }

    #[test]
    fn texts_that_name_things() {
        let weights =
            json!({"type": "string", "format": "dw-weights", "x-dw-builtin": ["vgg16", "random:*"]});
        assert_eq!(check(weights.clone(), json!("random:7")), Ok(json!("random:7")));
        assert_eq!(check(weights, json!("")), Err("`p` is empty".into()));
        let color = json!({"type": "string", "format": "dw-color"});
        assert_eq!(check(color.clone(), json!("#ff8000")), Ok(json!("#ff8000")));
        assert!(check(color, json!("orange")).is_err());
    }

    #[test]
    fn lists_of_texts_and_choices_that_are_numbers() {
        let layers = json!({"type": "string", "x-dw-list": true});
        assert_eq!(check(layers.clone(), json!(["relu3_3", "relu4_3"])), Ok(json!("relu3_3,relu4_3")));
        assert_eq!(check(layers.clone(), json!([3, 7])), Ok(json!("3,7")));
        assert_eq!(check(layers.clone(), json!(7)), Ok(json!("7")));
        for wrong in [json!(["a,b"]), json!([["a"]]), json!([true]), json!({})] {
            assert!(check(layers.clone(), wrong.clone()).is_err(), "{wrong}");
        }
        let bits = json!({"enum": ["8", "16"]});
        assert_eq!(check(bits.clone(), json!(16)), Ok(json!("16")));
        assert_eq!(check(bits, json!(12)), Err("`p` has no choice `12`".into()));
    }

    #[test]
    fn null_only_where_it_is_the_default() {
        assert_eq!(check(json!({"type": ["integer", "null"]}), json!(null)), Ok(json!(null)));
        assert!(check(json!({"type": "integer"}), json!(null)).is_err());
    }
}
