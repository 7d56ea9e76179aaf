use super::{MAX_VALUES, fault};
use crate::diagnostic::Diagnostic;
use crate::diagnostics::{encoding, too_deep, too_large};
use crate::source::Span;

/// The deepest nesting of brackets.
pub(crate) const MAX_DEPTH: usize = 512;

/// Finds what the JSON parser would accept or describe badly: a NUL, an unclosed string (which would swallow the
/// lines after it), too deep nesting, and too many values.
pub(super) fn check(text: &str) -> Result<(), Diagnostic> {
    if let Some(at) = text.find('\0') {
        return Err(encoding::nul(Span::new(at, at + 1)));
    }
    let bytes = text.as_bytes();
    let (mut depth, mut values) = (0, 0);
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = string(text, at)?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => {
                at = text[at..].find('\n').map_or(bytes.len(), |length| at + length);
            }
            b'/' if bytes.get(at + 1) == Some(&b'*') => {
                at = text[at + 2..].find("*/").map_or(bytes.len(), |length| at + 2 + length + 2);
            }
            // Not JSON: the parser reports it. Its quotes need not pair.
            b'\'' => return Ok(()),
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(too_deep::new(Span::new(at, at + 1)));
                }
                at += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b',' => {
                values += 1;
                if values > MAX_VALUES {
                    return Err(too_large::values(Span::new(at, at + 1)));
                }
                at += 1;
            }
            _ => at += 1,
        }
    }
    Ok(())
}

/// The offset after the string that starts at `start`.
fn string(text: &str, start: usize) -> Result<usize, Diagnostic> {
    let bytes = text.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(b'\n' | b'\r') | None => {
                let line = text[start..].lines().next().unwrap_or("");
                let span = Span::new(start, start + line.trim_end().len());
                return Err(fault(span, "a string is not closed", "add the closing `\"`", ""));
            }
            Some(_) => at += 1,
        }
    }
}
