use dreamwire_sdk::prelude::*;

/// Gives one whole number to several nodes.
///
/// INT is `value`. It can be linked to every param that takes a whole number or a number, to a list of
/// numbers written as text, and to a choice that is a number; the range of the param holds for it as for a
/// number written there. It is a signed integer of 64 bits, so a seed from 2^63 on goes into its node itself.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// The number.
    #[schemars(range(min = i64::MIN, max = i64::MAX))]
    pub(crate) value: i64,
}

#[derive(Default)]
pub(crate) struct PrimitiveInt;

impl Node for PrimitiveInt {
    const KIND: Kind = Kind::new("PrimitiveInt", 1)
        .title("Int")
        .category("value")
        .outputs(&[port("INT", "INT").doc("The number.")]);
    type Params = Params;

    fn run(&mut self, _: &Call, params: Params, _: Inputs) -> Result<Outputs> {
        Ok(Outputs::new().int(params.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Value, run_node};

    #[test]
    fn every_integer_of_64_bits_is_exact() {
        for value in [i64::MIN, -1, 0, (1 << 53) + 1, i64::MAX] {
            let ran = run_node::<PrimitiveInt>(&format!(r#"{{"value": {value}}}"#), &[], &[]);
            let ran = ran.expect("it runs");
            assert!(matches!(ran.outputs[..], [Value::Int(found)] if found == value), "{value}");
        }
        assert!(run_node::<PrimitiveInt>(r#"{"value": 9223372036854775808}"#, &[], &[]).is_err());
    }
}
