//! Colours in params, as CSS writes them.

use dreamwire_sdk::prelude::*;

/// Red, green, blue and alpha in 0..1, display-referred, of a CSS colour: `#rgb`, `#rrggbb`, `#rrggbbaa`, a name such as
/// `teal`, or a function such as `rgb(0 128 128)`. Colours outside of sRGB are clamped.
///
/// # Errors
/// Names `param`.
pub(crate) fn parse(param: &str, text: &str) -> Result<[f32; 4]> {
    let colour = csscolorparser::parse(text).map(|colour| colour.clamp().to_array()).ok();
    colour.filter(|samples| samples.iter().all(|v| v.is_finite())).ok_or_else(|| {
        Error::param(param, format!("`{param}` is `{text}`, which is not a colour"))
            .hint("write #rgb, #rrggbb, #rrggbbaa or a CSS name such as `white`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: [f32; 4]) {
        let found = parse("colour", text).expect(text);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{text}: {found} for {expected}");
        }
    }

    #[test]
    fn the_notations_of_css_are_read() {
        check("#f00", [1.0, 0.0, 0.0, 1.0]);
        check("#336699", [0.2, 0.4, 0.6, 1.0]);
        check("#33669933", [0.2, 0.4, 0.6, 0.2]);
        check("Teal", [0.0, 128.0 / 255.0, 128.0 / 255.0, 1.0]);
        check(" white ", [1.0; 4]);
        check("rgb(51 102 153 / 20%)", [0.2, 0.4, 0.6, 0.2]);
        check("transparent", [0.0; 4]);
    }

    #[test]
    fn colours_outside_of_srgb_are_clamped() {
        check("rgb(300 -20 0)", [1.0, 0.0, 0.0, 1.0]);
        check("color(srgb 2 0.5 -1)", [1.0, 0.5, 0.0, 1.0]);
    }

    #[test]
    fn what_is_no_colour_is_refused_by_the_param() {
        for text in ["", "#", "#12", "#gggggg", "reddish", "rgb(1 2)", "rgb(nan 0 0)", "é"] {
            let error = parse("background", text).expect_err(text);
            assert_eq!(error.input(), "background", "{text}");
            assert!(error.to_string().contains(&format!("`{text}`")), "{error}");
        }
    }
}
