use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, ParseStringErrorKind, ast, parse_to_ast};

use super::{fault, members};
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{encoding, too_deep};
use crate::editor;

/// JSON with comments and trailing commas; no other extensions.
const OPTIONS: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Parses a text; `None` if it holds only whitespace and comments.
pub(super) fn parse(text: &str) -> Result<Option<ast::Value<'_>>, Diagnostic> {
    match parse_to_ast(text, &CollectOptions::default(), &OPTIONS) {
        Ok(result) => Ok(result.value),
        Err(error) => match parse_with_nan(text) {
            Some(value) => Ok(Some(value)),
            None => Err(explain(text, &error)),
        },
    }
}

/// A text that is not JSON only because Python wrote NaN where ComfyUI keeps notes of its own: `"is_changed": [NaN]`.
fn parse_with_nan(text: &str) -> Option<ast::Value<'_>> {
    if !text.contains("NaN") && !text.contains("Infinity") {
        return None;
    }
    let options = ParseOptions { allow_non_finite_numbers: true, ..OPTIONS };
    let value = parse_to_ast(text, &CollectOptions::default(), &options).ok()?.value?;
    is_finite(&value).then_some(value)
}

/// Whether all numbers are finite but those that may be anything. As deep as the text is, which is limited.
fn is_finite(value: &ast::Value<'_>) -> bool {
    match value {
        ast::Value::NumberLit(number) => number.value.ends_with(|last: char| last.is_ascii_digit()),
        ast::Value::Array(array) => array.elements.iter().all(is_finite),
        ast::Value::Object(object) => object
            .properties
            .iter()
            .all(|member| editor::may_hold_anything(member.name.as_str()) || is_finite(&member.value)),
        _ => true,
    }
}

fn explain(text: &str, error: &ParseError) -> Diagnostic {
    use ParseErrorKind as Kind;
    let span = members::from_range(error.range());
    let found = text.get(span.start..span.end).unwrap_or("");
    let (message, label, hint) = match error.kind() {
        Kind::NestingDepthExceeded => return too_deep::new(span),
        Kind::String(ParseStringErrorKind::InvalidUnicodeEscapeSequence(_)) => {
            return encoding::surrogate(span);
        }
        Kind::String(ParseStringErrorKind::ExpectedFourHexDigits) => {
            ("an escape is not complete", "`\\u` needs four hex digits", "")
        }
        Kind::String(_) => ("an escape is not known", "not an escape", "a backslash is written `\\\\`"),
        Kind::ExpectedComma => ("a comma is missing", "add a `,` here", ""),
        Kind::ExpectedColonAfterObjectKey => ("a colon is missing", "a `:` is expected before this", ""),
        Kind::ExpectedObjectValue => ("a value is missing", "a value is expected here", ""),
        Kind::ExpectedStringObjectProperty => ("a name has no quotes", "write it in double quotes", ""),
        Kind::SingleQuotedStringsNotAllowed => {
            ("single quotes are not JSON", "single quote", "write strings in double quotes")
        }
        Kind::HexadecimalNumbersNotAllowed => {
            ("hexadecimal numbers are not JSON", "write it as a decimal", "")
        }
        Kind::UnaryPlusNumbersNotAllowed => ("a number cannot start with `+`", "remove the `+`", ""),
        Kind::BareDecimalPointNumbersNotAllowed => {
            ("a number needs digits on both sides of the point", "add a 0", "")
        }
        Kind::NonFiniteNumbersNotAllowed => ("`NaN` and `Infinity` are not JSON", "not a number in JSON", ""),
        Kind::ExpectedDigit
        | Kind::ExpectedDigitFollowingNegativeSign
        | Kind::ExpectedPlusMinusOrDigitInNumberLiteral => {
            ("a number is not complete", "a digit is expected here", "")
        }
        Kind::MultipleRootJsonValues => {
            ("there is more text after the graph", "the graph has ended before this", "")
        }
        Kind::UnterminatedArray => ("a list is not closed", "its `]` is missing", ""),
        Kind::UnterminatedObject => ("an object is not closed", "its `}` is missing", ""),
        Kind::UnterminatedCommentBlock => ("a comment is not closed", "its `*/` is missing", ""),
        Kind::UnexpectedWord | Kind::UnexpectedToken if matches!(found, "NaN" | "Infinity") => {
            ("`NaN` and `Infinity` are not JSON", "not a number in JSON", "")
        }
        Kind::UnexpectedWord | Kind::UnexpectedToken if starts_word(found) => {
            ("a word is not a value", "not a value", meant(text, span.start))
        }
        Kind::UnexpectedCloseBrace => ("a `}` is not expected here", "nothing is open that this closes", ""),
        Kind::UnexpectedCloseBracket => {
            ("a `]` is not expected here", "nothing is open that this closes", "")
        }
        Kind::UnexpectedComma => ("a comma is not expected here", "a value is expected before it", ""),
        _ => ("the text is not JSON", "not expected here", ""),
    };
    // Label only the open bracket: the error's range is the rest of the file.
    let span = match error.kind() {
        Kind::UnterminatedArray | Kind::UnterminatedObject | Kind::UnterminatedCommentBlock => {
            crate::source::Span::new(span.start, (span.start + 1).min(text.len()))
        }
        _ => span,
    };
    fault(span, message, label, hint)
}

fn starts_word(found: &str) -> bool {
    found.starts_with(char::is_alphabetic)
}

/// A suggestion for literals of other languages, such as `True`.
fn meant(text: &str, start: usize) -> &'static str {
    let word = text[start..].split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" => "did you mean `true`",
        "false" | "no" | "off" => "did you mean `false`",
        "none" | "nil" | "null" | "undefined" => "did you mean `null`",
        _ => "write text in double quotes",
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::one;

    #[test]
    fn words_of_other_languages() {
        for (word, hint) in [
            ("True", "did you mean `true`"),
            ("FALSE", "did you mean `false`"),
            ("None", "did you mean `null`"),
            ("relu4_3", "write text in double quotes"),
        ] {
            let found = one(&format!(r#"{{ "a": {word} }}"#), "graph::syntax");
            assert_eq!(
                (found.message.as_str(), found.hint.as_str()),
                ("a word is not a value", hint),
                "{word}"
            );
        }
    }

    #[track_caller]
    fn check(text: &str, message: &str, labelled: &str) {
        let found = one(text, "graph::syntax");
        assert_eq!(found.message, message);
        assert_eq!(found.labelled, [labelled]);
    }

    /// Faults: A3, A5.
    #[test]
    fn what_json_does_not_have() {
        check("{ 'a': 1 }", "single quotes are not JSON", "'");
        check(r#"{ "a": 0xff }"#, "hexadecimal numbers are not JSON", "0");
        check(r#"{ "a": NaN }"#, "`NaN` and `Infinity` are not JSON", "NaN");
        check(r#"{ a: 1 }"#, "a name has no quotes", "a");
        check(r#"{ "a": 1 "b": 2 }"#, "a comma is missing", "");
        check(r#"{ "a": {} } x"#, "there is more text after the graph", "x");
        check(r#"{ "a": {} "#, "an object is not closed", "{");
        check("{ \"a\": \"b,\n \"c\": 1 }", "a string is not closed", "\"b,");
    }

    /// Faults: A5.
    #[test]
    fn what_it_has_beyond_json() {
        let text = "// a comment\r\n{ \"save\": { \"class_type\": \"X\", /* another */ \"inputs\": {}, }, }";
        let (graph, problems) = crate::parse(&crate::Source::new("a.json", text));
        assert!(problems.is_empty(), "{problems:#?}");
        assert_eq!(graph.nodes[0].id, "save");
    }
}
