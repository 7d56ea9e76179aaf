//! Names of published files: relative and plain, with numbers from the host.

use super::WorldError;
use super::annotation::PREVIEWS;
use dreamwire_graph::{Hint, Setting};

/// A template split at its counter: `dream/cat_{counter:05}_.png`. The last counter is the node's; an earlier one was
/// typed by the user and is literal.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Template<'a> {
    before: &'a str,
    /// The digits of the counter and the text after it.
    counted: Option<(usize, &'a str)>,
}

impl<'a> Template<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, WorldError> {
        let template = Self::split_at_counter(text)?;
        check(&template.name(1))?;
        Ok(template)
    }

    fn split_at_counter(text: &'a str) -> Result<Self, WorldError> {
        let Some(at) = text.rfind("{counter:") else { return Ok(Self { before: text, counted: None }) };
        let rest = &text[at + "{counter:".len()..];
        let end = rest
            .find('}')
            .ok_or_else(|| WorldError::new(format!("`{text}` has a `{{counter:` without `}}`")))?;
        let digits = rest[..end].parse().ok().filter(|&n: &usize| (1..=9).contains(&n));
        let digits =
            digits.ok_or_else(|| WorldError::new(format!("`{text}` has a counter without a valid width")))?;
        Ok(Self { before: &text[..at], counted: Some((digits, &rest[end + 1..])) })
    }

    pub(super) fn is_counted(&self) -> bool {
        self.counted.is_some()
    }

    /// The name with the counter filled in.
    pub(super) fn name(&self, counter: u64) -> String {
        match self.counted {
            Some((digits, after)) => format!("{}{counter:0digits$}{after}", self.before),
            None => self.before.to_owned(),
        }
    }

    /// The folder, and the prefix that numbered siblings share.
    pub(super) fn split(&self) -> (&str, &str) {
        self.before.rsplit_once('/').unwrap_or(("", self.before))
    }

    /// The number in a sibling's file name, whatever its extension: `dream_00003_.png` and `dream_00003_.exr` share 3.
    pub(super) fn counter_of(&self, file_name: &str) -> Option<u64> {
        let rest = file_name.strip_prefix(self.split().1)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let same_tail = match self.counted {
            Some((_, after)) => {
                let stem = after.split('.').next().unwrap_or_default();
                rest[digits..].strip_prefix(stem).is_some_and(|tail| tail.is_empty() || tail.starts_with('.'))
            }
            None => false,
        };
        if digits == 0 || !same_tail { None } else { rest[..digits].parse().ok() }
    }
}

/// The name of a step's file, by its index, from a template with a counter: `a_{counter:05}_.png` gives `a.png`, then
/// `a_00002.png`. Names of previews, and those without a counter, stay.
pub(super) fn uncounted(template: &str, index: usize) -> String {
    let is_preview = template.strip_prefix(PREVIEWS).is_some_and(|rest| rest.starts_with('/'));
    let Some(at) = template.rfind("_{counter:").filter(|_| !is_preview) else { return template.to_owned() };
    let (before, rest) = template.split_at(at);
    let Some((_, after)) = rest.split_once('}') else { return template.to_owned() };
    let after = after.strip_prefix('_').unwrap_or(after);
    match index {
        0 => format!("{before}{after}"),
        _ => format!("{before}_{:05}{after}", index + 1),
    }
}

/// Refuses names that could leave the output root on any system, before any access to files.
fn check(name: &str) -> Result<(), WorldError> {
    let refuse = |why: &str| {
        let text = "output names must be relative, use forward slashes and stay under the output folder";
        Err(WorldError::new(format!("`{name}` {why}")).hint(Hint::with(text, Setting::OutputFolder)))
    };
    if name.is_empty() || name.ends_with('/') {
        return refuse("names no file");
    }
    if name.len() > 1024 || name.split('/').any(|part| part.len() > 200) {
        return refuse("is too long for a file name");
    }
    if name.contains('\\') {
        return refuse("contains a backslash");
    }
    if name.starts_with('/') || is_on_a_drive(name) {
        return refuse("is an absolute path");
    }
    if cfg!(windows) && name.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return refuse("contains a character that Windows does not allow in a file name");
    }
    if name.chars().any(char::is_control) {
        return refuse("contains a control character");
    }
    if name.split('/').any(|part| part == "..") {
        return refuse("leaves the output folder");
    }
    if name.split('/').any(|part| part.is_empty() || part == ".") {
        return refuse("is not a plain path");
    }
    Ok(())
}

/// Whether a name has a drive letter: `C:/a.png`.
fn is_on_a_drive(name: &str) -> bool {
    matches!(name.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_filled_in_and_found() {
        let template = Template::parse("a/dream_{counter:05}_.png").unwrap();
        assert_eq!(template.name(7), "a/dream_00007_.png");
        assert_eq!(template.split(), ("a", "dream_"));
        assert_eq!(template.counter_of("dream_00012_.png"), Some(12));
        assert_eq!(template.counter_of("dream_00012_.exr"), Some(12));
        assert_eq!(template.counter_of("dream_00012_x.png"), None);
        assert_eq!(template.counter_of("dream_x.png"), None);
        assert_eq!(template.counter_of("other_00012_.png"), None);
        assert_eq!(Template::parse("a.png").unwrap().name(3), "a.png");
        assert!(Template::parse("a_{counter:x}.png").is_err());
        assert!(Template::parse("a_{counter:5").is_err());
        let typed = Template::parse("a_{counter:05}_{counter:03}_.png").unwrap();
        assert_eq!(typed.name(7), "a_{counter:05}_007_.png");
    }

    #[test]
    fn names_without_counters() {
        assert_eq!(uncounted("a/cat_{counter:05}_.png", 0), "a/cat.png");
        assert_eq!(uncounted("a/cat_{counter:05}_.png", 1), "a/cat_00002.png");
        assert_eq!(uncounted("preview/cat_{counter:05}_.png", 0), "preview/cat_{counter:05}_.png");
        assert_eq!(uncounted("cat.gif", 0), "cat.gif");
    }

    /// Faults: E8.
    #[test]
    fn names_cannot_leave_the_root() {
        for (name, why) in [
            ("../a.png", "leaves"),
            ("a/../../b.png", "leaves"),
            ("/etc/passwd", "absolute"),
            ("C:/a.png", "absolute"),
            ("a\\b.png", "backslash"),
            ("\\\\server\\a.png", "backslash"),
            ("a\nb.png", "control"),
            ("", "no file"),
            ("a/", "no file"),
            ("a//b.png", "plain"),
            ("./a.png", "plain"),
        ] {
            let message = Template::parse(name).unwrap_err().message;
            assert!(message.contains(why), "{name}: {message}");
        }
        assert!(Template::parse("-rf ünï.png").is_ok());
        assert_eq!(Template::parse("a:b?c_{counter:05}_.png").is_ok(), cfg!(unix));
        let refused = Template::parse("../a_{counter:05}_.png").unwrap_err().message;
        assert_eq!(refused, "`../a_00001_.png` leaves the output folder");
        assert!(Template::parse(&"x".repeat(201)).unwrap_err().message.contains("too long"));
    }
}
