//! The one way from a name in a request to a file.
//!
//! A [`Name`] is checked before any access to files, and decoded once where it was encoded. A [`Root`] opens it as a
//! capability (cap-std), so that a link which leads out of the folder is refused by the open itself, not by a check
//! before it.

mod root;
mod temporary;

pub(crate) use root::{Entry, Listed, Opened, Root};
pub(crate) use temporary::{IfTaken, Temporary};

use super::refusal::Refusal;
use percent_encoding::percent_decode_str;
use std::fmt;

/// The longest name, in bytes.
const LONGEST: usize = 1024;
/// The longest part of a name, in bytes.
const LONGEST_PART: usize = 255;
/// The most parts: folders, and the file.
const DEEPEST: usize = 32;

/// A relative path of plain parts, with forward slashes. Not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// A name as it stands, after any decoding.
    ///
    /// # Errors
    /// 400 if it is empty, absolute, too long, or has a part that is empty, `.` or `..`, begins with a dot, or has a
    /// character that some system gives a meaning.
    pub(crate) fn parse(text: &str) -> Result<Self, Refusal> {
        Self::parse_allowing(text, "")
    }

    /// Like [`Name::parse`]; the file itself may have the one `hidden` name, which begins with a dot.
    pub(crate) fn parse_allowing(text: &str, hidden: &str) -> Result<Self, Refusal> {
        if text.is_empty() {
            return Err(Refusal::bad("a name is missing"));
        }
        if text.len() > LONGEST || text.split('/').count() > DEEPEST {
            return Err(Refusal::bad("the name is too long"));
        }
        let (folder, file) =
            text.rsplit_once('/').map_or((None, text), |(folder, file)| (Some(folder), file));
        let is_allowed = !hidden.is_empty() && file == hidden;
        let mut parts =
            folder.into_iter().flat_map(|folder| folder.split('/')).chain((!is_allowed).then_some(file));
        if let Some(why) = parts.find_map(refusal) {
            return Err(Refusal::bad(why));
        }
        Ok(Self(text.to_owned()))
    }

    /// A name in a folder; the folder of an empty text is the root.
    ///
    /// # Errors
    /// As [`Name::parse`].
    pub(crate) fn in_folder(folder: &str, name: &str) -> Result<Self, Refusal> {
        // Each on its own first, so that neither an absolute name nor an absolute folder is made relative by joining.
        let name = Self::parse(name)?;
        if folder.is_empty() {
            return Ok(name);
        }
        let folder = Self::parse(folder)?;
        Self::parse(&format!("{folder}/{name}"))
    }

    /// What stands percent-encoded in the path of a request, decoded exactly once.
    ///
    /// # Errors
    /// 400 if it is not UTF-8.
    pub(crate) fn decode(raw: &str) -> Result<String, Refusal> {
        let decoded = percent_decode_str(raw).decode_utf8();
        decoded.map(Into::into).map_err(|_| Refusal::bad("the name is not UTF-8"))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The folder, empty for the root, and the file.
    pub(crate) fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }

    /// The name with another file in the same folder.
    ///
    /// # Errors
    /// As [`Name::parse`].
    pub(crate) fn with_file(&self, file: &str) -> Result<Self, Refusal> {
        Self::in_folder(self.split().0, file)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a part is none of a plain path on every system.
fn refusal(part: &str) -> Option<&'static str> {
    let is_drive = matches!(part.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    Some(match part {
        "" => "the name is not a plain relative path",
        ".." | "." => "the name leaves its folder",
        _ if part.starts_with('.') => "names that begin with a dot are not used here",
        _ if part.len() > LONGEST_PART => "the name is too long",
        _ if part.contains('\\') => "the name has a backslash",
        _ if part.chars().any(char::is_control) => "the name has a control character",
        _ if is_drive => "the name has a drive",
        _ if cfg!(windows) && is_special_on_windows(part) => "Windows does not allow this name",
        _ => return None,
    })
}

/// Streams (`a.png:b`), devices (`NUL.png`), and what Windows drops or forbids.
fn is_special_on_windows(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let device = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    part.contains(['<', '>', ':', '"', '|', '?', '*'])
        || part.ends_with([' ', '.'])
        || ["CON", "PRN", "AUX", "NUL"].contains(&&*stem)
        || device.is_some_and(|number| number.chars().count() == 1)
}

#[cfg(test)]
mod tests;
