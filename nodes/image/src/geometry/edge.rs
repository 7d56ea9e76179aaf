//! What is outside of a picture.

use crate::colour_text;
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// How a picture goes on beyond its borders.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Edge {
    Constant,
    #[serde(rename = "edge")]
    Repeat,
    Reflect,
    Wrap,
}

impl Edge {
    /// The pixel of a row or column of `length` pixels that stands at `position`; none where a colour does.
    pub(crate) fn pixel(self, position: i64, length: usize) -> Option<usize> {
        let last = i64::try_from(length).ok()? - 1;
        let inside = match self {
            _ if (0..=last).contains(&position) => position,
            Self::Constant => return None,
            Self::Repeat => position.clamp(0, last.max(0)),
            Self::Wrap => position.rem_euclid(last + 1),
            // One pixel has no neighbour that could be repeated.
            Self::Reflect if last == 0 => 0,
            Self::Reflect => {
                let position = position.rem_euclid(2 * last);
                position.min(2 * last - position)
            }
        };
        usize::try_from(inside).ok()
    }
}

/// The colour that the param `param` writes, to be drawn into pictures of `channels`. Those without alpha lose the
/// colour's, with a warning.
///
/// # Errors
/// The text is no colour.
pub(crate) fn colour(call: &Call, param: &str, text: &str, channels: usize) -> Result<[f32; 4]> {
    let colour = colour_text::parse(param, text)?;
    if colour[3] < 1.0 && channels != 4 {
        let pictures = if channels == 1 { "grey pictures" } else { "pictures of 3 channels" };
        call.warn(&format!(
            "`{param}` is `{text}`, but {pictures} have no alpha, and it becomes opaque: a \
             JoinImageWithAlpha node before this one makes pictures that have"
        ));
    }
    Ok(colour)
}

/// The samples of a colour (red, green, blue, alpha) in a picture of `channels`; the BT.709 luma in a grey one.
pub(crate) fn fill(colour: [f32; 4], channels: usize) -> Vec<f32> {
    match channels {
        1 => vec![luma(colour)],
        _ => colour.into_iter().cycle().take(channels).collect(),
    }
}

/// The BT.709 luma of display-referred red, green and blue.
pub(crate) fn luma([red, green, blue, _]: [f32; 4]) -> f32 {
    if red == green && green == blue {
        // Exactly, whatever the rounding of the sum.
        return red;
    }
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

#[cfg(test)]
mod tests {
    use super::super::{Grid, Pad, Rotate, Transform, image};
    use super::*;
    use dreamwire_sdk::testing::run_node;

    /// What a kind says about a colour for pictures of `channels`, apart from progress.
    fn said<N: Node>(params: &str, channels: usize) -> Vec<String> {
        let samples = vec![0.5; 4 * channels];
        let ran =
            run_node::<N>(params, &[("image", image(&samples, (1, 2, 2, channels)))], &[]).expect(params);
        ran.notes.into_iter().filter(|note| note.contains("alpha")).collect()
    }

    fn warns_of_alpha<N: Node>(param: &str, others: &str) {
        let params = |colour: &str| format!(r#"{{"{param}": "{colour}"{others}}}"#);
        for (channels, pictures) in [(1, "grey pictures"), (3, "pictures of 3 channels")] {
            let said = said::<N>(&params("#ff000080"), channels);
            assert_eq!(said.len(), 1, "{said:?}");
            let start = format!("`{param}` is `#ff000080`, but {pictures} have no alpha");
            assert!(said[0].starts_with(&start) && said[0].contains("JoinImageWithAlpha"), "{said:?}");
        }
        assert!(said::<N>(&params("#ff000080"), 4).is_empty());
        assert!(said::<N>(&params("#ff0000"), 3).is_empty());
    }

    #[test]
    fn pictures_without_alpha_lose_it_with_a_warning() {
        warns_of_alpha::<Pad>("colour", r#", "left": 1"#);
        warns_of_alpha::<Rotate>("colour", r#", "degrees": 10"#);
        warns_of_alpha::<Transform>("colour", r#", "x": 1"#);
        warns_of_alpha::<Grid>("background", "");
        // A colour that is not drawn loses nothing.
        for mode in ["edge", "reflect", "wrap"] {
            let params = format!(r#"{{"colour": "transparent", "mode": "{mode}", "left": 1}}"#);
            assert!(said::<Pad>(&params, 3).is_empty(), "{mode}");
        }
    }

    /// The pixels at the positions -4..=6 of a row of three; -1 for the colour.
    fn around(edge: Edge) -> Vec<i64> {
        (-4..=6).map(|at| edge.pixel(at, 3).map_or(-1, |pixel| pixel as i64)).collect()
    }

    #[test]
    fn every_mode_continues_a_row_of_three() {
        assert_eq!(around(Edge::Constant), [-1, -1, -1, -1, 0, 1, 2, -1, -1, -1, -1]);
        assert_eq!(around(Edge::Repeat), [0, 0, 0, 0, 0, 1, 2, 2, 2, 2, 2]);
        assert_eq!(around(Edge::Reflect), [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]);
        assert_eq!(around(Edge::Wrap), [2, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    }

    #[test]
    fn one_pixel_is_repeated() {
        for edge in [Edge::Repeat, Edge::Reflect, Edge::Wrap] {
            assert_eq!([-9, 0, 9].map(|at| edge.pixel(at, 1)), [Some(0); 3], "{edge:?}");
        }
    }

    #[test]
    fn a_colour_has_as_many_samples_as_the_picture_has_channels() {
        let orange = [1.0, 0.5, 0.0, 0.25];
        assert_eq!(fill(orange, 4), orange);
        assert_eq!(fill(orange, 3), [1.0, 0.5, 0.0]);
        // 0.2126 + 0.5 * 0.7152.
        assert!((fill(orange, 1)[0] - 0.5702).abs() < 1e-6);
        assert_eq!(fill([0.3, 0.3, 0.3, 1.0], 1), [0.3]);
    }
}
