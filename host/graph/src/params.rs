mod schema;
mod value;

use serde_json::Value;

pub use value::{Problem, bound, bound_value, check_param};

/// The closed subset of JSON Schema that describes a kind's params.
#[derive(Clone, Debug, Default)]
pub struct Params {
    /// The params in the order of the schema, which editors show.
    pub list: Vec<Param>,
    /// The start of the names that the kind publishes whatever its params are (`x-dw-output`).
    pub publishes: Option<String>,
    /// The schema as the plugin gave it.
    pub schema: Value,
}

/// One setting of a kind.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name in files.
    pub name: String,
    /// What it is for.
    pub doc: String,
    /// What values it takes.
    pub ty: ParamType,
    /// The default; a param without one is required. `null` makes it optional.
    pub default: Option<Value>,
    /// Smallest allowed number (of an item, in an array).
    pub minimum: Option<f64>,
    /// Largest allowed number (of an item, in an array).
    pub maximum: Option<f64>,
    /// The allowed texts; empty if any text is.
    pub choices: Vec<String>,
    /// What the text refers to.
    pub format: Option<Format>,
    /// Texts, or patterns ending in `*`, that are not paths despite `format`.
    pub builtin: Vec<String>,
    /// Whether the text is a comma-separated list (`x-dw-list`); a file may also give it as a list.
    pub list: bool,
    /// The step of an editor's widget.
    pub step: Option<f64>,
    /// The unit, for display.
    pub unit: Option<String>,
    /// Whether the text may have several lines.
    pub multiline: bool,
    /// Display name.
    pub title: Option<String>,
}

/// The type of a param.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// A whole number.
    Integer,
    /// Any finite number.
    Number,
    /// Text.
    String,
    /// `true` or `false`.
    Boolean,
    /// A list; in files it is written `{"__value__": [...]}`, or bare where it cannot be a link.
    Array(Box<ParamType>),
}

/// What a text param refers to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A file (`dw-file`).
    File,
    /// A folder (`dw-directory`).
    Directory,
    /// The files of a folder, or those that fit a pattern (`dw-files`).
    Files,
    /// Weights: a built-in name or a file (`dw-weights`).
    Weights,
    /// A colour, `#rrggbb` (`dw-color`).
    Color,
    /// The start of the names of the files that the node publishes, below the output folder (`dw-output`).
    Output,
}

impl Params {
    /// The params of a schema and the kind's doc (its description). The error names the keyword outside the
    /// subset.
    pub fn parse(schema: &Value) -> Result<(Self, String), String> {
        schema::parse(schema)
    }

    /// The param of that name.
    pub fn get(&self, name: &str) -> Option<&Param> {
        self.list.iter().find(|param| param.name == name)
    }
}

impl Param {
    /// Whether a text is a built-in name, not a path.
    pub fn is_builtin(&self, text: &str) -> bool {
        self.builtin.iter().any(|name| match name.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => text == name,
        })
    }

    /// Whether `null` may be given.
    pub(crate) fn nullable(&self) -> bool {
        self.default == Some(Value::Null)
    }

    /// Whether a list may be given.
    pub(crate) fn takes_list(&self) -> bool {
        self.list || matches!(self.ty, ParamType::Array(_))
    }

    /// Whether some of the allowed texts are whole numbers, which may be written without quotes.
    pub(crate) fn has_whole_choices(&self) -> bool {
        self.choices.iter().any(|choice| choice.parse::<i64>().is_ok())
    }

    /// Whether a scalar output of that type may be linked to this param: where a literal of the type may stand.
    pub(crate) fn accepts(&self, ty: &str) -> bool {
        match self.ty {
            ParamType::Integer => ty == "INT",
            ParamType::Number => ty == "INT" || ty == "FLOAT",
            ParamType::String => {
                ty == "STRING"
                    || (ty == "INT" && (self.list || self.has_whole_choices()))
                    || (ty == "FLOAT" && self.list)
            }
            ParamType::Boolean => ty == "BOOLEAN",
            ParamType::Array(_) => false,
        }
    }

    /// The type of output that can be linked to this param, for messages.
    pub(crate) fn wire_type(&self) -> Option<&'static str> {
        match self.ty {
            ParamType::Integer => Some("INT"),
            ParamType::Number => Some("FLOAT"),
            ParamType::String => Some("STRING"),
            ParamType::Boolean => Some("BOOLEAN"),
            ParamType::Array(_) => None,
        }
    }
}

impl ParamType {
    /// "an integer", "a list of numbers".
    pub(crate) fn one(&self) -> String {
        match self {
            ParamType::Integer => "an integer".to_owned(),
            ParamType::Number => "a number".to_owned(),
            ParamType::String => "a string".to_owned(),
            ParamType::Boolean => "`true` or `false`".to_owned(),
            ParamType::Array(item) => format!("a list of {}", item.several()),
        }
    }

    fn several(&self) -> &'static str {
        match self {
            ParamType::Integer => "integers",
            ParamType::Number => "numbers",
            ParamType::String => "strings",
            ParamType::Boolean => "booleans",
            ParamType::Array(_) => "lists",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_link_may_give_what_a_literal_may_be() {
        for (property, accepted) in [
            (json!({"type": "integer"}), &["INT"][..]),
            (json!({"type": "number"}), &["INT", "FLOAT"]),
            (json!({"type": "boolean"}), &["BOOLEAN"]),
            (json!({"type": "string"}), &["STRING"]),
            (json!({"type": "string", "format": "dw-file"}), &["STRING"]),
            (json!({"enum": ["red", "green"]}), &["STRING"]),
            (json!({"enum": ["8", "16", "auto"]}), &["INT", "STRING"]),
            (json!({"type": "string", "x-dw-list": true}), &["INT", "FLOAT", "STRING"]),
            (json!({"type": "array", "items": {"type": "number"}}), &[]),
        ] {
            let schema = json!({ "type": "object", "properties": { "p": property } });
            let (params, _) = Params::parse(&schema).unwrap();
            let scalars = ["INT", "FLOAT", "STRING", "BOOLEAN", "IMAGE"];
            let found: Vec<&str> = scalars.into_iter().filter(|ty| params.list[0].accepts(ty)).collect();
            assert_eq!(found, accepted, "{schema}");
        }
    }
}
