//! Pictures in a terminal: by the protocol of kitty where the terminal has it, otherwise as coloured half blocks.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use dreamwire_engine::Tensor;
use dreamwire_session::Picture;

/// The shortest time between two previews.
const EVERY: Duration = Duration::from_secs(2);
/// The largest preview, in columns and lines of the terminal; a line of half blocks holds two rows of pixels.
const COLUMNS: usize = 64;
const LINES: usize = 24;
/// The largest side that is sent to a terminal that draws pixels.
const PIXELS: usize = 384;
/// The longest piece of data in one command of kitty's protocol, in characters.
const PIECE: usize = 4096;

/// Shows previews, not too often.
pub(super) struct Previews {
    way: Way,
    last: Mutex<Option<Instant>>,
}

/// How a terminal draws pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Kitty,
    Blocks,
}

impl Previews {
    /// For the terminal that the environment describes.
    pub(super) fn new() -> Self {
        let variable = |name: &str| std::env::var(name).unwrap_or_default();
        let way = way(&variable("TERM"), &variable("TERM_PROGRAM"), !variable("KITTY_WINDOW_ID").is_empty());
        Previews { way, last: Mutex::default() }
    }

    /// What to write for the first picture of a batch, if it is time for one.
    pub(super) fn draw(&self, image: &Tensor) -> Option<String> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < EVERY) {
            return None;
        }
        *last = Some(Instant::now());
        let picture = Picture::of(image)?;
        Some(match self.way {
            Way::Kitty => kitty(&picture.within(PIXELS, PIXELS)),
            Way::Blocks => blocks(&picture.within(COLUMNS, 2 * LINES)),
        })
    }
}

fn way(term: &str, program: &str, in_kitty: bool) -> Way {
    let draws = in_kitty || term.contains("kitty") || term.contains("ghostty") || program == "WezTerm";
    // Inside tmux the commands would not arrive.
    if draws && !term.starts_with("tmux") && !term.starts_with("screen") { Way::Kitty } else { Way::Blocks }
}

/// Two rows of pixels per line: the upper one is the colour of a half block, the lower one its background.
fn blocks(picture: &Picture) -> String {
    let mut text = String::new();
    for rows in picture.pixels.chunks(2 * picture.width) {
        let (upper, lower) = rows.split_at(picture.width);
        for (x, [r, g, b]) in upper.iter().enumerate() {
            let _ = write!(text, "\x1b[38;2;{r};{g};{b}m");
            if let Some([r, g, b]) = lower.get(x) {
                let _ = write!(text, "\x1b[48;2;{r};{g};{b}m");
            }
            text.push('▀');
        }
        text.push_str("\x1b[0m\n");
    }
    text.pop();
    text
}

/// Kitty's graphics protocol: raw RGB in base64, in pieces.
/// See <https://sw.kovidgoyal.net/kitty/graphics-protocol/>.
fn kitty(picture: &Picture) -> String {
    let data = base64(picture.pixels.as_flattened());
    let mut text = String::new();
    let mut pieces = data.as_bytes().chunks(PIECE).peekable();
    let mut first = true;
    while let Some(piece) = pieces.next() {
        let more = u8::from(pieces.peek().is_some());
        text.push_str("\x1b_G");
        if first {
            let _ = write!(text, "a=T,f=24,q=2,s={},v={},", picture.width, picture.height);
        }
        first = false;
        let _ = write!(text, "m={more};{}\x1b\\", String::from_utf8_lossy(piece));
    }
    text
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for triple in bytes.chunks(3) {
        let byte = |index: usize| u32::from(triple.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = bits >> (18 - 6 * digit) & 63;
            text.push(if digit > triple.len() { '=' } else { char::from(DIGITS[value as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use dreamwire_engine::Dtype;

    use super::*;

    fn image(height: usize, width: usize, samples: &[f32]) -> Tensor {
        let bytes: Vec<u8> = samples.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let channels = samples.len() / (height * width);
        let shape = [1, height, width, channels].map(|size| size as i64).to_vec();
        Tensor::new(Dtype::F32, shape, Arc::new(bytes)).unwrap()
    }

    #[test]
    fn a_line_of_half_blocks_holds_two_rows() {
        let picture = Picture::of(&image(3, 1, &[1., 0., 0., 0., 1., 0., 0., 0., 2.])).unwrap();
        let expected = "\x1b[38;2;255;0;0m\x1b[48;2;0;255;0m▀\x1b[0m\n\x1b[38;2;0;0;255m▀\x1b[0m";
        assert_eq!(blocks(&picture), expected);
    }

    #[test]
    fn pixels_are_sent_in_pieces() {
        for (bytes, expected) in [(&b"M"[..], "TQ=="), (b"Ma", "TWE="), (b"Man", "TWFu"), (b"", "")] {
            assert_eq!(base64(bytes), expected);
        }
        let picture = Picture::of(&image(64, 64, &[0.5; 64 * 64 * 3])).unwrap();
        let text = kitty(&picture);
        assert!(text.starts_with("\x1b_Ga=T,f=24,q=2,s=64,v=64,m=1;"), "{}", &text[..60]);
        assert_eq!((text.matches("m=1;").count(), text.matches("m=0;").count()), (3, 1));
    }

    #[test]
    fn the_terminal_decides_the_way() {
        assert_eq!(way("xterm-kitty", "", false), Way::Kitty);
        assert_eq!(way("xterm-256color", "WezTerm", false), Way::Kitty);
        assert_eq!(way("tmux-256color", "", true), Way::Blocks);
        assert_eq!(way("xterm-256color", "", false), Way::Blocks);
    }

    #[test]
    fn previews_come_with_pauses() {
        let previews = Previews { way: Way::Blocks, last: Mutex::default() };
        let picture = image(1, 1, &[0.5; 3]);
        assert!(previews.draw(&picture).is_some());
        assert!(previews.draw(&picture).is_none());
    }
}
