//! What stands between `%` in the names of outputs: `%year%`, `%date:yyyy-MM-dd%`, `%width%`, `%node.param%`.

/// Filled in with the time when a file is published.
pub const TIMES: [&str; 6] = ["year", "month", "day", "hour", "minute", "second"];

/// Filled in by the node that publishes the file.
pub const PICTURE: [&str; 3] = ["width", "height", "batch_num"];

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it is.
    Text(&'a str),
    /// What stands between two `%`, to be replaced.
    Token(&'a str),
}

/// The parts of a text. A `%` that starts no token is text: `50%`, `50%-70%`.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut start, mut from) = (0, 0);
    while let Some(at) = text[from..].find('%').map(|at| from + at) {
        let Some(length) = text[at + 1..].find('%') else { break };
        let token = &text[at + 1..at + 1 + length];
        if is_token(token) {
            if start < at {
                pieces.push(Piece::Text(&text[start..at]));
            }
            pieces.push(Piece::Token(token));
            start = at + length + 2;
            from = start;
        } else {
            // The second `%` may start a token.
            from = at + 1;
        }
    }
    if start < text.len() {
        pieces.push(Piece::Text(&text[start..]));
    }
    pieces
}

fn is_token(token: &str) -> bool {
    token.starts_with(char::is_alphabetic) || token.contains(['.', ':'])
}

/// Runs of one letter in the format of a date, and what stands between them.
pub fn date_parts(format: &str) -> impl Iterator<Item = &str> {
    // Bytes of characters that are not ASCII stay together: apart they are not text.
    let together = |a: &u8, b: &u8| (a == b && a.is_ascii_alphabetic()) || !(a.is_ascii() || b.is_ascii());
    format.as_bytes().chunk_by(together).scan(0, move |at, run| {
        let start = *at;
        *at += run.len();
        format.get(start..*at)
    })
}

/// The first part of a date's format that is not known.
pub(crate) fn unknown_date_part(format: &str) -> Option<&str> {
    date_parts(format).find(|part| {
        let letter = part.starts_with(|c: char| c.is_ascii_alphabetic());
        letter && !matches!(*part, "yyyy" | "yy" | "T" | "Z") && !is_short_part(part)
    })
}

/// One or two letters: `M` is 3, `MM` is 03.
fn is_short_part(part: &str) -> bool {
    part.len() <= 2 && part.starts_with(['M', 'd', 'h', 'H', 'm', 's'])
}

/// The first token of a text that nothing fills in when a file is published.
pub fn unknown(text: &str) -> Option<&str> {
    pieces(text).into_iter().find_map(|piece| match piece {
        Piece::Token(token) => match token.strip_prefix("date:") {
            Some(format) => unknown_date_part(format).map(|_| token),
            None => (!TIMES.contains(&token) && !PICTURE.contains(&token)).then_some(token),
        },
        Piece::Text(_) => None,
    })
}

/// A value as a part of a file name. What could mean something in a path or a pattern becomes `_`.
pub fn safe(value: &serde_json::Value) -> String {
    use serde_json::Value;
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(real) if number.is_f64() => real.to_string(),
            _ => number.to_string(),
        },
        Value::Array(items) => items.iter().map(safe).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    let dots = text.chars().all(|c| c == '.');
    let unsafe_one = |c: char| {
        c.is_control() || matches!(c, '/' | '\\' | '?' | '<' | '>' | ':' | '*' | '|' | '"' | '%' | '{' | '}')
    };
    text.chars().map(|c| if unsafe_one(c) || (dots && c == '.') { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::Piece::{Text, Token};
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_can_be_a_token_is_one() {
        assert_eq!(pieces("a/%year%-%20.seed%"), [Text("a/"), Token("year"), Text("-"), Token("20.seed")]);
        assert_eq!(pieces("%date:yyyy/MM%"), [Token("date:yyyy/MM")]);
        assert_eq!(pieces("50%-%day%%"), [Text("50%-"), Token("day"), Text("%")]);
        for text in ["", "50%", "50%-70%", "%%", "a% b%"] {
            let found: Vec<_> = pieces(text);
            assert!(found.iter().all(|piece| matches!(piece, Text(_))), "{text}: {found:?}");
        }
        assert_eq!(pieces("é%yéar%"), [Text("é"), Token("yéar")]);
    }

    #[test]
    fn formats_of_dates_are_read() {
        assert_eq!(date_parts("yyyy-MM").collect::<Vec<_>>(), ["yyyy", "-", "MM"]);
        assert_eq!(date_parts("dé年M").collect::<Vec<_>>(), ["d", "é年", "M"]);
        for format in ["yyyy-MM-dd", "yyMMdd_hhmmss", "d.M.yyyy", "yyyy-MM-ddTHH-m-s", "", "é yyyy"] {
            assert_eq!(unknown_date_part(format), None, "{format}");
        }
        for (format, part) in [("YYYY-MM", "YYYY"), ("yyy", "yyy"), ("MMM", "MMM"), ("dd of MM", "o")] {
            assert_eq!(unknown_date_part(format), Some(part), "{format}");
        }
    }

    #[test]
    fn what_nothing_fills_in_is_found() {
        for text in ["a", "%year%/%width%", "%date:yyyy%", "50%-70%"] {
            assert_eq!(unknown(text), None, "{text}");
        }
        for text in ["%yaer%", "%date:YYYY%", "%n.p%"] {
            assert_eq!(unknown(&format!("%year%{text}")), Some(text.trim_matches('%')));
        }
    }

    #[test]
    fn values_become_parts_of_names() {
        for (value, text) in [
            (json!("media/cat.png"), "media_cat.png"),
            (json!("a:b\\c\"%year%{counter:05}\n"), "a_b_c__year__counter_05__"),
            (json!(".."), "__"),
            (json!(2.0), "2"),
            (json!(1.5), "1.5"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(true), "true"),
            (json!([1, 2]), "1,2"),
            (json!(null), ""),
        ] {
            assert_eq!(safe(&value), text);
        }
    }
}
