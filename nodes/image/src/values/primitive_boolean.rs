use dreamwire_sdk::prelude::*;

/// Gives one switch to several nodes.
///
/// BOOLEAN is `value`. It can be linked to every param that is `true` or `false`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// On or off.
    pub(crate) value: bool,
}

#[derive(Default)]
pub(crate) struct PrimitiveBoolean;

impl Node for PrimitiveBoolean {
    const KIND: Kind = Kind::new("PrimitiveBoolean", 1)
        .title("Boolean")
        .category("value")
        .outputs(&[port("BOOLEAN", "BOOLEAN").doc("The switch.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        Ok(Outputs::new().bool(params.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    #[test]
    fn a_switch_is_given() {
        for value in [true, false] {
            let ran = run_node::<PrimitiveBoolean>(&format!(r#"{{"value": {value}}}"#), &[], &[]);
            let ran = ran.expect("it runs");
            assert!(matches!(ran.outputs[..], [Value::Bool(found)] if found == value));
        }
    }
}
