//! Prefixes of the names of published files, a param of the format `dw-output`: checked before anything is computed.

use crate::{Error, Result};

/// The host's limits: bytes of a folder's or a file's name, and of the whole path.
const MAX_NAME: usize = 200;
const MAX_PATH: usize = 1024;
/// What follows the prefix at least.
const SHORTEST_END: &str = "_00001_.png";

/// Checks that `<prefix>_<counter>_.<extension>` names files under the output folder on any system. The host checks the
/// whole name again when it writes.
///
/// # Errors
///
/// If it does not: says why.
pub fn check(prefix: &str) -> Result<()> {
    let Some(wrong) = fault(prefix) else { return Ok(()) };
    let shown = prefix.replace(char::is_control, "\u{fffd}");
    Err(Error::param("filename_prefix", format!("`{shown}` {wrong}")).hint(
        "a prefix must be relative, use forward slashes and stay under the output folder, such as `dreams/cat`",
    ))
}

/// The prefix of one picture of a batch, with `%width%`, `%height%` and `%batch_num%` filled in. The host fills
/// in the rest: `%year%` and the like when it writes the file.
pub fn fill(prefix: &str, width: usize, height: usize, index: usize) -> String {
    let values = [("width", width), ("height", height), ("batch_num", index)];
    let mut filled = String::new();
    let mut rest = prefix;
    while let Some((before, after)) = rest.split_once('%') {
        let Some((token, after_token)) = after.split_once('%') else { break };
        filled += before;
        if let Some((_, value)) = values.iter().find(|(name, _)| *name == token) {
            filled += &value.to_string();
            rest = after_token;
        } else if token.starts_with(char::is_alphabetic) || token.contains(['.', ':']) {
            filled += &format!("%{token}%");
            rest = after_token;
        } else {
            // A sign for percent; the next one may begin a name.
            filled.push('%');
            rest = after;
        }
    }
    filled + rest
}

/// What is wrong with the path, by the host's rules.
fn fault(prefix: &str) -> Option<&'static str> {
    let name = format!("{prefix}{SHORTEST_END}");
    let fault = if matches!(prefix.as_bytes(), [b'/', ..] | [b'a'..=b'z' | b'A'..=b'Z', b':', b'/', ..]) {
        "is an absolute path"
    } else if prefix.contains('\\') {
        "contains a backslash"
    } else if prefix.chars().any(char::is_control) {
        "contains a control character"
    } else if prefix.split('/').any(|part| part == "..") {
        "leaves the output folder"
    } else if prefix.rsplit('/').skip(1).any(|part| part.is_empty() || part == ".") {
        "is not a plain path"
    } else if name.len() > MAX_PATH || name.split('/').any(|part| part.len() > MAX_NAME) {
        "is too long for a file name"
    } else {
        return None;
    };
    Some(fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_picture_knows_is_filled_in() {
        for (prefix, filled) in [
            ("%width%x%height%/%batch_num%", "64x48/2"),
            ("%year%-%width%", "%year%-64"),
            ("%year%width%", "%year%width%"),
            ("%date:yyyy/MM%_%height%", "%date:yyyy/MM%_48"),
            ("50%-%width%", "50%-64"),
            ("50%-70%", "50%-70%"),
            ("%", "%"),
            ("", ""),
        ] {
            assert_eq!(fill(prefix, 64, 48, 2), filled);
        }
    }

    #[test]
    fn prefixes_stay_under_the_output_folder() {
        for (prefix, why) in [
            ("/tmp/cat", "absolute"),
            ("C:/cat", "absolute"),
            ("dreams\\cat", "backslash"),
            ("a\nb", "`a\u{fffd}b` contains a control character"),
            ("../cat", "leaves"),
            ("dreams/../../cat", "leaves"),
            ("dreams//cat", "plain"),
            ("./cat", "plain"),
        ] {
            let error = check(prefix).unwrap_err().to_string();
            assert!(error.contains(why), "{prefix}: {error}");
        }
        let longest = "x".repeat(MAX_NAME - SHORTEST_END.len());
        assert!(check(&format!("{longest}x")).unwrap_err().to_string().contains("too long"));
        for prefix in [
            "dreamwire",
            "",
            "dreams/%year%",
            "dreams/",
            "ünï -rf",
            "a:b?c",
            "x{counter:05}",
            longest.as_str(),
        ] {
            assert!(check(prefix).is_ok(), "{prefix}");
        }
    }
}
