use dreamwire_sdk::prelude::*;

/// Gives one text of several lines to several nodes.
///
/// STRING is `value`, unchanged. It can be linked to every param that takes a text, a choice or the name of a
/// file; it must be one of the choices.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The text.
    #[schemars(extend("x-dw-multiline" = true))]
    pub(crate) value: String,
}

#[derive(Default)]
pub(crate) struct PrimitiveStringMultiline;

impl Node for PrimitiveStringMultiline {
    const KIND: Kind = Kind::new("PrimitiveStringMultiline", 1)
        .title("String (Multiline)")
        .category("value")
        .outputs(&[port("STRING", "STRING").doc("The text.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        Ok(Outputs::new().string(params.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    #[test]
    fn a_text_is_given_unchanged() {
        for (json, text) in [(r#""""#, ""), (r#"" a\nb\t\u00e9 ""#, " a\nb\té ")] {
            let ran = run_node::<PrimitiveStringMultiline>(&format!(r#"{{"value": {json}}}"#), &[], &[]);
            let ran = ran.expect("it runs");
            assert!(matches!(&ran.outputs[..], [Value::Text(found)] if found == text), "{json}");
        }
    }
}
