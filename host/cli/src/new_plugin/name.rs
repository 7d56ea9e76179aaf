use dreamwire_loader::KNOWN;

use super::{Refused, files};

/// Words that Rust keeps for itself, now or later.
const KEYWORDS: &str = include_str!("keywords.txt");
/// Crates of ours that a plugin depends on: its own must not be called the same.
const CRATES: [&str; 3] = ["abi", "sdk", "socket"];
/// As long as crates.io allows.
const LONGEST: usize = 64;

/// The name of a plugin: parts of small letters and digits, between `-` or `_`. The first part starts with a letter.
#[derive(Debug)]
pub(super) struct Name(String);

impl Name {
    pub(super) fn parse(text: &str) -> Result<Self, Refused> {
        let refuse = |message: String, hint: String| Err(Refused { message, hint });
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        if !text.chars().all(allowed) || parts(text).any(str::is_empty) {
            return refuse(
                format!("`{text}` is no name for a plugin"),
                format!("take small letters and digits, with `-` between words, such as `{}`", tamed(text)),
            );
        }
        if text.len() > LONGEST {
            return refuse(
                format!("the name has {} characters", text.len()),
                format!("take at most {LONGEST}"),
            );
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            return refuse(
                format!("`{text}` starts with a digit, which a name in Rust must not"),
                format!("start with a letter, such as `my-{text}`"),
            );
        }
        if KEYWORDS.split_whitespace().any(|word| word == text) {
            return refuse(format!("`{text}` is a keyword of Rust"), format!("take `my-{text}`"));
        }
        if let Some(rest) = text.strip_prefix("dreamwire")
            && rest.starts_with(['-', '_'])
        {
            return refuse(
                format!("`{text}`: the library would be called `dreamwire` twice"),
                format!("take `{}`: the prefix is added", &rest[1..]),
            );
        }
        let name = Name(text.to_owned());
        if name.is_ours() {
            return refuse(
                format!("Dreamwire has a plugin, a kind or a crate called `{text}` already"),
                format!("take `my-{text}`"),
            );
        }
        if files::uses(&name.kind()) {
            return refuse(
                format!("`{}` is a name that the code of a plugin uses already", name.kind()),
                format!("take `my-{text}`"),
            );
        }
        Ok(name)
    }

    /// `my-blur`: the folder.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// `my_blur`: the library, without what the system adds.
    pub(super) fn snake(&self) -> String {
        self.0.replace('-', "_")
    }

    /// `MyBlur`: the kind, and the struct that implements it.
    pub(super) fn kind(&self) -> String {
        let capital = |part: &str| part[..1].to_ascii_uppercase() + &part[1..];
        parts(&self.0).map(capital).collect()
    }

    /// `libdreamwire_my_blur.so`: the file of the library on this system.
    pub(super) fn library(&self) -> String {
        let (prefix, suffix) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
        format!("{prefix}dreamwire_{}{suffix}", self.snake())
    }

    /// Two plugins with one library or kind would exclude each other.
    fn is_ours(&self) -> bool {
        let (kind, snake) = (self.kind(), self.snake());
        let library = format!("dreamwire_{snake}");
        CRATES.contains(&&*snake)
            || KNOWN.iter().any(|(known, of)| known.eq_ignore_ascii_case(&kind) || *of == library)
    }
}

fn parts(text: &str) -> impl Iterator<Item = &str> {
    text.split(['-', '_'])
}

/// A name that is like a text and allowed, for a hint: `my-blur` for `My Blur!`.
fn tamed(text: &str) -> String {
    let text = text.to_ascii_lowercase();
    let words = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let tamed = words.collect::<Vec<_>>().join("-");
    if tamed.starts_with(|c: char| c.is_ascii_lowercase()) { tamed } else { "my-blur".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_gives_all_others() {
        for text in ["my-blur", "my_blur"] {
            let name = Name::parse(text).unwrap();
            assert_eq!((name.as_str(), &*name.snake(), &*name.kind()), (text, "my_blur", "MyBlur"));
            assert!(name.library().contains("dreamwire_my_blur."));
        }
        assert_eq!(Name::parse("x2-3d").unwrap().kind(), "X23d");
        assert_eq!(Name::parse("mix").unwrap().kind(), "Mix", "as in the template");
    }

    #[test]
    fn a_refused_name_has_a_hint() {
        for (text, message, hint) in [
            ("", "is no name", "`my-blur`"),
            ("My Blur!", "is no name", "`my-blur`"),
            ("../blur", "is no name", "`blur`"),
            ("blur-", "is no name", "`blur`"),
            ("a__b", "is no name", "`a-b`"),
            ("\u{fc}ber", "is no name", "`ber`"),
            ("3d", "starts with a digit", "`my-3d`"),
            ("match", "a keyword", "`my-match`"),
            ("dreamwire-blur", "twice", "`blur`"),
            ("resize", "already", "`my-resize`"),
            ("ada-in", "already", "`my-ada-in`"),
            ("stylegan", "already", "`my-stylegan`"),
            ("sdk", "already", "`my-sdk`"),
            ("params", "`Params`", "`my-params`"),
            ("node", "`Node`", "`my-node`"),
        ] {
            let refused = Name::parse(text).unwrap_err();
            assert!(refused.message.contains(message), "{text}: {}", refused.message);
            assert!(refused.hint.contains(hint), "{text}: {}", refused.hint);
        }
        assert!(Name::parse(&"a".repeat(65)).is_err());
    }
}
