//! The colours of a gradient and where they are, as CSS writes them.

use crate::{colour_text, transfer};
use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// The most stops of a gradient.
const MAX_STOPS: usize = 256;

/// The values that are mixed between two colours.
#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Space {
    Display,
    Linear,
}

/// Two or more colours along a line, by rising position.
pub(crate) struct Stops {
    /// Position, and the colour as it is mixed: in the space, multiplied by alpha.
    stops: Vec<(f64, [f32; 4])>,
    space: Space,
}

impl Stops {
    /// A list `colour, colour 30%, colour`. Without a position the first is at 0 %, the last at 100 % and the others
    /// evenly between their neighbours; one before its predecessor moves to it (CSS Images Level 3, section 3.4.3).
    ///
    /// # Errors
    /// Names the param `stops`: fewer than two or too many, no colour, no position.
    pub(crate) fn parse(text: &str, space: Space) -> Result<Self> {
        let pieces = pieces(text);
        if !(2..=MAX_STOPS).contains(&pieces.len()) {
            let message = format!("`stops` must list 2 to {MAX_STOPS} colours, found {}", pieces.len());
            return Err(
                Error::param("stops", message).hint("separate them by commas: `black, #ff8000 30%, white`")
            );
        }
        let given = pieces.into_iter().map(stop).collect::<Result<Vec<_>>>()?;
        let places = places(&given.iter().map(|(_, place)| *place).collect::<Vec<_>>());
        let stops = places.into_iter().zip(given).map(|(place, (colour, _))| (place, mixable(colour, space)));
        Ok(Self { stops: stops.collect(), space })
    }

    /// True if one of the colours is not opaque.
    pub(crate) fn transparent(&self) -> bool {
        self.stops.iter().any(|(_, colour)| colour[3] < 1.0)
    }

    /// The colour at a position: display-referred, straight alpha.
    pub(crate) fn at(&self, place: f64) -> [f32; 4] {
        let after = self.stops.partition_point(|(stop, _)| *stop <= place);
        let mixed = match (after.checked_sub(1).and_then(|it| self.stops.get(it)), self.stops.get(after)) {
            (Some((low, below)), Some((high, above))) => {
                // Never 0: `low <= place < high`.
                let part = ((place - low) / (high - low)) as f32;
                std::array::from_fn(|i| below[i] * (1.0 - part) + above[i] * part)
            }
            (Some((_, only)), None) | (None, Some((_, only))) => *only,
            (None, None) => [0.0; 4],
        };
        let alpha = mixed[3];
        let mut colour = mixed;
        for sample in &mut colour[..3] {
            let straight = if alpha > 0.0 { *sample / alpha } else { 0.0 };
            let shown = if self.space == Space::Linear { transfer::from_linear(straight) } else { straight };
            *sample = shown.clamp(0.0, 1.0);
        }
        colour
    }
}

/// The parts of a list between commas outside of brackets: `rgb(1, 2, 3)` is one.
fn pieces(text: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let split = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    split.map(str::trim).collect()
}

/// `colour` or `colour 30%`.
fn stop(piece: &str) -> Result<([f32; 4], Option<f64>)> {
    let colour = |text: &str| {
        colour_text::parse("stops", text).map_err(|_| {
            Error::param("stops", format!("`{piece}` in `stops` is not a colour, or a colour and a position"))
                .hint("write the colour first, as #rrggbb or a CSS name, and the position in percent: `#ff8000 30%`")
        })
    };
    let Some((text, place)) = piece.rsplit_once(char::is_whitespace).filter(|(_, it)| it.ends_with('%'))
    else {
        return Ok((colour(piece)?, None));
    };
    let percent = place.strip_suffix('%').and_then(|it| it.parse::<f64>().ok()).filter(|it| it.is_finite());
    let percent = percent.ok_or_else(|| {
        Error::param("stops", format!("`{place}` is not a position")).hint("write it as `30%`")
    })?;
    Ok((colour(text.trim_end())?, Some(percent / 100.0)))
}

/// Positions for all, rising.
fn places(given: &[Option<f64>]) -> Vec<f64> {
    let last = given.len().saturating_sub(1);
    let mut known: Vec<(usize, f64)> = Vec::new();
    for (index, place) in given.iter().enumerate() {
        let fallback = match index {
            0 => Some(0.0),
            index if index == last => Some(1.0),
            _ => None,
        };
        if let Some(place) = place.or(fallback) {
            let before = known.last().map_or(place, |(_, before)| *before);
            known.push((index, place.max(before)));
        }
    }
    let mut places = Vec::with_capacity(given.len());
    for pair in known.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        places.extend((from..to).map(|i| low + (high - low) * (i - from) as f64 / (to - from) as f64));
    }
    places.extend(known.last().map(|(_, place)| *place));
    places
}

/// The colour as it is mixed.
fn mixable([red, green, blue, alpha]: [f32; 4], space: Space) -> [f32; 4] {
    let [red, green, blue] = [red, green, blue].map(|v| match space {
        Space::Display => v * alpha,
        Space::Linear => transfer::to_linear(v) * alpha,
    });
    [red, green, blue, alpha]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(stops: &str, space: Space, place: f64, expected: [f32; 4]) {
        let found = Stops::parse(stops, space).expect(stops).at(place);
        for (index, (a, b)) in found.iter().zip(expected).enumerate() {
            assert!((a - b).abs() < 1e-5, "{stops} at {place}, sample {index}: {a} for {b}");
        }
    }

    #[test]
    fn positions_are_filled_in_and_rise() {
        assert_eq!(places(&[None, None, None, None, None]), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(places(&[None, Some(0.5), None, Some(0.75)]), [0.0, 0.5, 0.625, 0.75]);
        assert_eq!(places(&[Some(0.2), Some(0.1), None]), [0.2, 0.2, 1.0]);
        assert_eq!(places(&[Some(1.5), None]), [1.5, 1.5]);
        assert_eq!(places(&[Some(-0.5), None, Some(0.5)]), [-0.5, 0.0, 0.5]);
    }

    #[test]
    fn colours_are_mixed_between_their_neighbours() {
        let stops = "black, #f00 50%, white";
        check(stops, Space::Display, 0.25, [0.5, 0.0, 0.0, 1.0]);
        check(stops, Space::Display, 0.5, [1.0, 0.0, 0.0, 1.0]);
        check(stops, Space::Display, 0.75, [1.0, 0.5, 0.5, 1.0]);
        check(stops, Space::Display, -1.0, [0.0, 0.0, 0.0, 1.0]);
        check(stops, Space::Display, 2.0, [1.0; 4]);
        // Half of the light is 0.735357 of the signal.
        check("black, white", Space::Linear, 0.5, [0.735_357, 0.735_357, 0.735_357, 1.0]);
    }

    #[test]
    fn two_stops_at_one_place_are_an_edge() {
        check("black, black 50%, white 50%, white", Space::Display, 0.499, [0.0, 0.0, 0.0, 1.0]);
        check("black, black 50%, white 50%, white", Space::Display, 0.501, [1.0; 4]);
    }

    #[test]
    fn the_colour_of_what_is_transparent_does_not_show() {
        // `transparent` is a transparent black, and nothing gets dark.
        check("transparent, red", Space::Display, 0.5, [1.0, 0.0, 0.0, 0.5]);
        check("transparent, red", Space::Display, 0.0, [0.0; 4]);
        assert!(Stops::parse("transparent, red", Space::Display).expect("two").transparent());
        assert!(!Stops::parse("blue, red", Space::Display).expect("two").transparent());
    }

    #[test]
    fn functions_have_commas_and_percents_of_their_own() {
        check("rgb(255, 0, 0) 20%, rgb(0 0 255 / 50%)", Space::Display, 0.2, [1.0, 0.0, 0.0, 1.0]);
        check("rgb(255, 0, 0) 20%, rgb(0 0 255 / 50%)", Space::Display, 1.0, [0.0, 0.0, 1.0, 0.5]);
    }

    #[test]
    fn what_is_no_list_of_colours_is_refused() {
        let refusals = [
            ("", "2 to 256 colours, found 1"),
            ("red", "found 1"),
            ("red, reddish", "`reddish`"),
            ("red, , blue", "``"),
            ("red, blue x%", "`x%` is not a position"),
            ("red, blue inf%", "`inf%`"),
            ("red, blue)", "`blue)`"),
            ("black 0.3, white", "`black 0.3` in `stops` is not a colour, or a colour and a position"),
            ("30% black, white", "the position in percent: `#ff8000 30%`"),
        ];
        for (text, said) in refusals {
            let error = Stops::parse(text, Space::Display).err().expect(text);
            assert_eq!(error.input(), "stops", "{text}");
            assert!(error.to_string().contains(said), "{text}: {error}");
        }
        assert!(Stops::parse(&"red,".repeat(300), Space::Display).is_err());
    }
}
