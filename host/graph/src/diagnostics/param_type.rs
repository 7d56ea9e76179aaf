//! A param is given a value of the wrong type.
//!
//! ```json
//! { "dream": { "class_type": "GradientAscent", "inputs": { "octaves": "four" } } }
//! ```

use crate::diagnostic::{Class, Code, Diagnostic};
use crate::graph::Input;
use crate::params::Problem;

pub(crate) const CODE: Code = Code::new("graph::param_type");

/// What [`check_param`](crate::check_param) found, at its place. The problem has its own code.
pub(crate) fn from_problem(problem: Problem, input: &Input) -> Diagnostic {
    Diagnostic::error(problem.code, Class::Graph, problem.message)
        .label(input.place(), problem.label)
        .hint(problem.hint.unwrap_or_else(|| "".into()))
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn a_number_in_quotes() {
        let text = r#"{ "dream": { "class_type": "GradientAscent", "inputs": { "octaves": "4" } } }"#;
        let found = one(text, "graph::param_type");
        assert_eq!(found.message, "`octaves` must be an integer, but this is a string");
        assert_eq!(found.labelled, [r#""4""#]);
        assert_eq!(found.hint, "write it without quotes: 4");
    }
}
