//! Text from the other side, within limits: longer text is neither kept nor shown.

use dreamwire_abi as abi;

/// The most bytes of an id, a name, a type, or of the semantics of a tensor.
pub(crate) const NAME: usize = 256;
/// The most bytes of a line: a title, a category, a version, a build.
pub(crate) const LINE: usize = 4 << 10;
/// The most bytes of a port's doc, and of a message during a call.
pub(crate) const DOC: usize = 64 << 10;
/// The most bytes of a params schema.
pub(crate) const SCHEMA: usize = 1 << 20;

/// Copies a text of at most `most` bytes. The error is a predicate, to follow a name: "is not UTF-8 text".
///
/// # Safety
/// `text` is null or points to as many bytes as it says.
pub(crate) unsafe fn read(text: abi::Str, most: usize) -> Result<String, String> {
    if text.len > most {
        return Err(format!("has {} bytes, at most {most} are allowed", text.len));
    }
    if text.ptr.is_null() && text.len > 0 {
        return Err(format!("is null, with a length of {}", text.len));
    }
    // SAFETY: the caller's promise, for a length that was just bounded.
    let text = unsafe { text.text() };
    text.map(str::to_owned).ok_or_else(|| "is not UTF-8 text".to_owned())
}

/// Copies a message: never an error; a message that is too long is cut off.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn words(text: abi::Str) -> String {
    let shown = abi::Str { ptr: text.ptr, len: text.len.min(DOC) };
    // SAFETY: the caller's promise, for no more than it says.
    let bytes = unsafe { shown.bytes() }.unwrap_or_default();
    let mut words = String::from_utf8_lossy(bytes).into_owned();
    if shown.len < text.len {
        words.push_str(" ...");
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_told() {
        let check = |text: abi::Str, expected: Result<&str, &str>| {
            // SAFETY: every text here is as long as it says, or null.
            let read = unsafe { read(text, 8) };
            assert_eq!(read.as_deref().map_err(|why| &why[..]), expected);
        };
        check(abi::Str::new("Resize"), Ok("Resize"));
        check(abi::Str { ptr: std::ptr::null(), len: 0 }, Ok(""));
        check(abi::Str::new("123456789"), Err("has 9 bytes, at most 8 are allowed"));
        check(abi::Str { ptr: std::ptr::null(), len: 7 }, Err("is null, with a length of 7"));
        check(abi::Str { ptr: b"\xff".as_ptr().cast(), len: 1 }, Err("is not UTF-8 text"));
    }

    #[test]
    fn endless_words_are_cut_off() {
        let endless = "a".repeat(DOC + 1);
        // SAFETY: borrowed for the call.
        let (cut, short) = unsafe { (words(abi::Str::new(&endless)), words(abi::Str::new("no"))) };
        assert_eq!((cut.len(), short.as_str()), (DOC + 4, "no"));
        // SAFETY: null is no text.
        assert_eq!(unsafe { words(abi::Str { ptr: std::ptr::null(), len: 3 }) }, "");
    }
}
