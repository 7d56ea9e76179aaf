//! The two streams: data for programs on standard output, messages for people on standard error.
//!
//! A reader that closes the pipe (`| head`) is no error. Any other error of standard output is reported and sets the
//! exit code; a run still saves its results.

use std::fs::File;
use std::io::{ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use dreamwire_engine::Level;
use dreamwire_session::events::level_name;

use crate::args::Color;

/// Writing to standard output has failed. Global, as the stream is.
static LOST: AtomicBool = AtomicBool::new(false);
/// The reader of standard output is gone.
static CLOSED: AtomicBool = AtomicBool::new(false);
/// Standard output, once it is kept from plugins.
static KEPT: OnceLock<File> = OnceLock::new();

/// The first error that was written.
static ERROR: OnceLock<String> = OnceLock::new();

/// How messages are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Whether messages are coloured.
    pub(crate) color: bool,
    /// Whether standard error is a terminal, on which bars can be drawn.
    pub(crate) terminal: bool,
    verbose: u8,
}

impl Console {
    pub(crate) fn new(color: Color, verbose: u8) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let wanted = || {
            let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
            terminal && !refused && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
        };
        let color = match color {
            Color::Auto => wanted(),
            Color::Always => true,
            Color::Never => false,
        };
        Console { color, terminal, verbose }
    }

    /// Whether log lines of that level are shown.
    pub(crate) fn shows(&self, level: Level) -> bool {
        match level {
            Level::Error | Level::Warn => true,
            Level::Info => self.verbose >= 1,
            Level::Debug => self.verbose >= 2,
            Level::Trace => self.verbose >= 3,
        }
    }

    /// Writes to standard output, unchanged.
    pub(crate) fn data(&self, text: &str) {
        // One write per line, so that threads do not interleave.
        let written = match KEPT.get() {
            Some(mut kept) => kept.write_all(text.as_bytes()),
            None => {
                let mut out = std::io::stdout().lock();
                out.write_all(text.as_bytes()).and_then(|()| out.flush())
            }
        };
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::BrokenPipe => CLOSED.store(true, Ordering::Relaxed),
            Err(error) => {
                if !LOST.swap(true, Ordering::Relaxed) {
                    self.talk(&format!("error: cannot write to standard output: {error}"));
                }
            }
        }
    }

    /// Keeps standard output for data: what plugins print goes to standard error from now on, so that it cannot pass for
    /// an event.
    #[cfg(unix)]
    pub(crate) fn keep_standard_output() {
        use std::os::fd::AsFd;
        let kept = std::io::stdout().as_fd().try_clone_to_owned().map(File::from);
        if let Ok(kept) = kept
            && KEPT.set(kept).is_ok()
        {
            let _ = rustix::stdio::dup2_stdout(std::io::stderr());
        }
    }

    #[cfg(not(unix))]
    pub(crate) fn keep_standard_output() {}

    /// Whether the reader of standard output has closed it.
    pub(crate) fn closed() -> bool {
        CLOSED.load(Ordering::Relaxed)
    }

    /// Whether writing to standard output has failed, other than by a closed pipe.
    pub(crate) fn lost() -> bool {
        LOST.load(Ordering::Relaxed)
    }

    /// The first error that was written by `talk`.
    pub(crate) fn first_error() -> Option<&'static str> {
        ERROR.get().map(String::as_str)
    }

    /// Writes one or more lines to standard error, without control characters.
    pub(crate) fn talk(&self, text: &str) {
        if text.starts_with("error: ") {
            ERROR.get_or_init(|| text.to_owned());
        }
        self.drawn(&clean(text));
    }

    /// Writes coloured text to standard error; its parts must be clean already.
    pub(crate) fn drawn(&self, text: &str) {
        let _ = std::io::stderr().lock().write_all(format!("{text}\n").as_bytes());
    }

    /// Writes log lines that plugins wrote outside a step.
    pub(crate) fn log(&self, lines: Vec<(Level, String)>) {
        for (level, line) in lines {
            if self.shows(level) {
                self.talk(&log_line(level, &line));
            }
        }
    }
}

/// A log line with its level: "warning: ...".
pub(crate) fn log_line(level: Level, line: &str) -> String {
    format!("{}: {}", level_name(level), clean_line(line))
}

/// A message with a hint below it.
pub(crate) fn with_hint(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message}\n\nhint: {hint}"),
        None => message.to_owned(),
    }
}

/// Text from a graph or a plugin with control characters replaced. Its length in bytes stays the same, so that spans
/// in it stay valid.
pub(crate) fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let kept = match c {
            '\n' | '\t' => true,
            // Part of a line ending; alone it would return to the start of the line.
            '\r' => chars.peek() == Some(&'\n'),
            _ => !is_obeyed(c),
        };
        match kept {
            true => cleaned.push(c),
            false => cleaned.extend(std::iter::repeat_n('?', c.len_utf8())),
        }
    }
    cleaned
}

/// As [`clean`], on one line: for messages and names.
pub(crate) fn clean_line(text: &str) -> String {
    clean(text).replace(['\n', '\r', '\t'], " ")
}

/// Control characters (C0, DEL, C1), line separators, and bidirectional controls.
fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Reports a bug of this program.
pub(crate) fn bug(what: &str) {
    let text = format!("{what}\nthis is a bug in dreamwire: please report it together with the graph\n");
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reaches_the_terminal_that_it_would_obey() {
        assert_eq!(clean("a\x1b[31mb\nü\x07"), "a?[31mb\nü?");
        assert_eq!(clean("a\u{9b}31m\u{202e}b\u{2066}"), "a??31m???b???");
        assert_eq!(clean("a\rb\r\nc"), "a?b\r\nc");
        assert_eq!(clean_line("a\r\nb\tc"), "a  b c");
    }
}
