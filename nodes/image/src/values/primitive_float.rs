use dreamwire_sdk::prelude::*;

/// Gives one number to several nodes.
///
/// FLOAT is `value`, in double precision. It can be linked to every param that takes a number, not to one that
/// takes a whole number; the range of the param holds for it as for a number written there.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The number.
    #[schemars(extend("x-dw-step" = 0.1))]
    pub(crate) value: f64,
}

#[derive(Default)]
pub(crate) struct PrimitiveFloat;

impl Node for PrimitiveFloat {
    const KIND: Kind = Kind::new("PrimitiveFloat", 1)
        .title("Float")
        .category("value")
        .outputs(&[port("FLOAT", "FLOAT").doc("The number.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        Ok(Outputs::new().float(params.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    #[test]
    fn a_number_is_given_in_double_precision() {
        for value in [0.1, -2.5e300, f64::MIN_POSITIVE, 3.0] {
            let ran = run_node::<PrimitiveFloat>(&format!(r#"{{"value": {value:e}}}"#), &[], &[]);
            let ran = ran.expect("it runs");
            assert!(matches!(ran.outputs[..], [Value::Float(found)] if found == value), "{value:e}");
        }
    }
}
