//! Names in paths: `{stem}`, `{frame:04}`, `####`, `{dream.rate}`.

use std::collections::BTreeMap;

/// What the names of a row stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Names {
    pub(super) texts: BTreeMap<String, String>,
    pub(super) numbers: BTreeMap<&'static str, i64>,
}

impl Names {
    /// A text with the names filled in. What is no name stays as it is: `{counter:05}`.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['{', '#']) {
            filled += &rest[..at];
            rest = &rest[at..];
            let found = if rest.starts_with('#') { self.hashes(rest) } else { self.braces(rest) };
            let (text, length) = found.unwrap_or((rest[..1].to_owned(), 1));
            filled += &text;
            rest = &rest[length..];
        }
        filled + rest
    }

    /// Whether filling in changes a text.
    pub(super) fn has_any(&self, text: &str) -> bool {
        self.fill(text) != text
    }

    /// Two or more `#`: the frame with as many digits.
    fn hashes(&self, text: &str) -> Option<(String, usize)> {
        let digits = text.bytes().take_while(|byte| *byte == b'#').count();
        let frame = self.numbers.get("frame").filter(|_| digits > 1);
        match frame {
            Some(&frame) => Some((padded(frame, digits), digits)),
            None => Some((text[..digits].to_owned(), digits)),
        }
    }

    fn braces(&self, text: &str) -> Option<(String, usize)> {
        let end = text.find('}')?;
        let inside = &text[1..end];
        if let Some(text) = self.texts.get(inside) {
            return Some((text.clone(), end + 1));
        }
        let (name, digits) = inside.split_once(':').unwrap_or((inside, "1"));
        let digits = digits.parse().ok().filter(|digits| (1..=18).contains(digits))?;
        let number = self.numbers.get(name)?;
        Some((padded(*number, digits), end + 1))
    }
}

/// A number with at least so many digits, its sign aside.
fn padded(number: i64, digits: usize) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{:0digits$}", number.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let names = Names {
            texts: [("stem", "cat"), ("dir", ""), ("a.rate", "0.5")]
                .map(|(a, b)| (a.into(), b.into()))
                .into(),
            numbers: [("frame", 7), ("row", 12)].into(),
        };
        for (text, filled) in [
            ("{stem}_{frame:04}", "cat_0007"),
            ("in/####.png", "in/0007.png"),
            ("##/#", "07/#"),
            ("{a.rate}-{row}", "0.5-12"),
            ("{counter:05}_{x", "{counter:05}_{x"),
            ("{frame:x}", "{frame:x}"),
            ("{dir}/{stem}", "/cat"),
            ("{é}{stem}é", "{é}caté"),
        ] {
            assert_eq!(names.fill(text), filled, "{text}");
        }
        assert!(names.has_any("{row}") && !names.has_any("{counter:05}"));
        let below = Names { numbers: [("frame", -3)].into(), ..Names::default() };
        assert_eq!(below.fill("####"), "-0003");
        assert_eq!(Names::default().fill("a##b{frame}"), "a##b{frame}");
    }
}
