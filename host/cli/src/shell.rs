//! Words of a POSIX shell, for commands that users copy and for scripts.

/// A word that the shell reads as this text.
pub(crate) fn quoted(text: &str) -> String {
    // At the start `=` would make an assignment of the first word of a command, and `~` is somebody's home.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    let plain = match text.strip_prefix("--") {
        Some(option) => option.chars().all(|c| is_plain(c) || c == '='),
        None => text.chars().all(is_plain),
    };
    if plain && !text.is_empty() {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_if_they_must_be() {
        for plain in ["run", "a/b.json", "--set=dream.rate=2", "1-60:2", "100%"] {
            assert_eq!(quoted(plain), plain);
        }
        let check = |text: &str, expected: &str| assert_eq!(quoted(text), expected);
        check("", "''");
        check("my graph.json", "'my graph.json'");
        check("it's", r"'it'\''s'");
        check("a=b", "'a=b'");
        check("~/x", "'~/x'");
        check("$HOME`x`\"\\", "'$HOME`x`\"\\'");
        check("a\nb", "'a\nb'");
        check("ü", "'ü'");
        check("--each=photo.image=*.png", "'--each=photo.image=*.png'");
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_what_was_quoted() {
        let words = [
            "", "it's", "a\nb", "$HOME", "`x`", "\"", "\\", "ü 1", "-x", "~", "a=b", "*", "!1", "#x", "--a=#",
        ];
        let line: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let script = format!("printf '%s\\0' {}", line.join(" "));
        let output =
            std::process::Command::new("sh").args(["-c", &script]).output().expect("there is a shell");
        let read = String::from_utf8(output.stdout).expect("it is text");
        assert_eq!(read.split_terminator('\0').collect::<Vec<_>>(), words);
    }
}
