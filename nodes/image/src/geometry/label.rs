//! Lines of text as coverage, in Noto Sans Mono.

use crate::batch::samples;
use crate::resample::resample;
use dreamwire_sdk::prelude::*;
use fast_image_resize::{FilterType, ResizeAlg};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, RasterizedChar, get_raster, get_raster_width};

const WEIGHT: FontWeight = FontWeight::Regular;
/// Other heights are resampled from this one.
const RASTER: RasterHeight = RasterHeight::Size32;

/// A line of text: how much of each pixel is ink, 0 to 1.
pub(crate) struct Label {
    pub(crate) width: usize,
    pub(crate) coverage: Vec<f32>,
    /// The characters of it that the font does not have: question marks are drawn.
    pub(crate) lacking: Vec<char>,
}

impl Label {
    /// The text at a line height of `height` pixels. What is wider than `room` is cut off and ends with three full
    /// stops; none if not a single character fits.
    pub(crate) fn new(text: &str, height: usize, room: usize) -> Result<Option<Self>> {
        let advance = get_raster_width(WEIGHT, RASTER);
        let line = fitted(text, fitting(height, room));
        if line.is_empty() || height == 0 {
            return Ok(None);
        }
        let lacking = line.iter().copied().filter(|c| get_raster(*c, WEIGHT, RASTER).is_none()).collect();
        let glyphs: Vec<_> = line.into_iter().filter_map(glyph).collect();
        let (raster_width, raster_height) = (glyphs.len() * advance, RASTER.val());
        let mut raster = Vec::with_capacity(raster_width * raster_height);
        for y in 0..raster_height {
            let ink = |x: usize| glyphs[x / advance].pixel(x % advance, y).unwrap_or(0);
            raster.extend((0..raster_width).map(|x| f32::from(ink(x)) / 255.0));
        }
        let width = (raster_width * height / raster_height).max(1);
        let raster = Tensor::from_vec(raster, (1, raster_height, raster_width, 1), &Device::Cpu)?;
        let filter = ResizeAlg::Convolution(FilterType::CatmullRom);
        let line = resample(&raster, (width, height), filter, |_, _| Ok(()))?;
        Ok(Some(Self { width, coverage: samples(&line)?, lacking }))
    }
}

/// A text as at most `most` lines of a height of `height` pixels, broken where it is wider than `room`. What is left goes to
/// the last line, which is too long then.
pub(crate) fn lines(text: &str, height: usize, room: usize, most: usize) -> Vec<String> {
    let wide = fitting(height, room);
    if most <= 1 || wide == 0 || (text.chars().count() <= wide && !text.contains('\n')) {
        return vec![text.to_owned()];
    }
    let lines = textwrap::wrap(text, wide);
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.into_owned()).collect();
    if lines.len() > most {
        let rest = lines.split_off(most - 1);
        lines.push(rest.join(" "));
    }
    lines
}

/// How many characters of a line fit.
fn fitting(height: usize, room: usize) -> usize {
    room * RASTER.val() / (get_raster_width(WEIGHT, RASTER) * height.max(1))
}

/// A character as a bitmap; a question mark for those that the font does not have.
fn glyph(character: char) -> Option<RasterizedChar> {
    get_raster(character, WEIGHT, RASTER).or_else(|| get_raster('?', WEIGHT, RASTER))
}

/// The first characters of a text, at most `count`, with the sign that there were more.
fn fitted(text: &str, count: usize) -> Vec<char> {
    let mut line: Vec<char> = text.chars().take(count.saturating_add(1)).collect();
    if line.len() > count {
        line.truncate(count);
        // Too few characters would be nothing but full stops.
        if count > 3 {
            line[count - 3..].fill('.');
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_off() {
        let line = |text, count| fitted(text, count).into_iter().collect::<String>();
        assert_eq!(line("abcdef", 6), "abcdef");
        assert_eq!(line("abcdef", 5), "ab...");
        assert_eq!(line("abcdef", 2), "ab");
        assert_eq!(line("abcdef", 0), "");
        assert_eq!(line("ééé", 3), "ééé");
    }

    #[test]
    fn long_texts_are_broken_at_spaces() {
        let room = get_raster_width(WEIGHT, RASTER) * 8;
        let lines = |text, most| lines(text, 32, room, most);
        assert_eq!(lines("rate=0.5", 3), ["rate=0.5"]);
        assert_eq!(lines("rate=0.5 steps=20", 3), ["rate=0.5", "steps=20"]);
        assert_eq!(lines("one two three four five", 2), ["one two", "three four five"]);
        assert_eq!(lines("one two three", 1), ["one two three"]);
        assert_eq!(lines("abcdefghijkl", 3), ["abcdefgh", "ijkl"]);
    }

    #[test]
    fn a_character_is_as_wide_at_every_height_and_smooth() {
        let advance = get_raster_width(WEIGHT, RASTER);
        for height in [8, 16, 32, 64] {
            let label = Label::new("AB", height, 1000).expect("a label").expect("it fits");
            assert_eq!(label.width, 2 * advance * height / 32);
            assert_eq!(label.coverage.len(), label.width * height);
            assert!(label.coverage.iter().any(|v| *v > 0.3), "height {height} has ink");
            assert!(label.coverage.iter().any(|v| (0.05..0.3).contains(v)), "height {height} is smooth");
        }
    }

    #[test]
    fn nothing_is_drawn_where_nothing_fits() {
        assert!(Label::new("A", 32, 3).expect("no error").is_none());
        assert!(Label::new("", 32, 100).expect("no error").is_none());
    }

    #[test]
    fn characters_that_the_font_lacks_are_question_marks() {
        let ink = |text| Label::new(text, 32, 100).expect("a label").expect("it fits").coverage;
        assert_eq!(ink("\u{4e00}\n"), ink("??"));
        let lacking = |text| Label::new(text, 32, 100).expect("a label").expect("it fits").lacking;
        assert_eq!((lacking("\u{4e00}ä"), lacking("a?")), (vec!['\u{4e00}'], vec![]));
        assert_ne!(ink("ä"), ink("?"));
        assert!(ink(" ").iter().all(|v| *v == 0.0));
    }
}
