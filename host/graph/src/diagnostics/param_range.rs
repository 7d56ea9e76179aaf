//! A number outside a param's range.
//!
//! ```json
//! { "dream": { "class_type": "GradientAscent", "inputs": { "octaves": 99 } } }
//! ```

use crate::diagnostic::Code;

pub(crate) const CODE: Code = Code::new("graph::param_range");

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn too_large() {
        let text = r#"{ "dream": { "class_type": "GradientAscent", "inputs": { "octaves": 99 } } }"#;
        let found = one(text, "graph::param_range");
        assert_eq!(found.message, "`octaves` is 99, which is out of range");
        assert_eq!(found.labelled, ["99"]);
        assert_eq!(found.hint, "");
    }
}
