//! A text is not one of a param's choices.
//!
//! ```json
//! { "dream": { "class_type": "GradientAscent", "inputs": { "carry": "detial" } } }
//! ```

use crate::diagnostic::Code;

pub(crate) const CODE: Code = Code::new("graph::param_choice");

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_slip() {
        let text = r#"{ "dream": { "class_type": "GradientAscent", "inputs": { "carry": "detial" } } }"#;
        let found = one(text, "graph::param_choice");
        assert_eq!(found.message, "`carry` has no choice `detial`");
        assert_eq!(found.labelled, [r#""detial""#]);
        assert_eq!(found.hint, "did you mean `detail`\nchoices: `detail`, `image`");
    }
}
