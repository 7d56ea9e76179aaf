use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::StyleGan3Error;

/// What the weights do not tell: how the frequencies of the layers grow. The defaults are those of all released networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many of the last layers keep all frequencies that their rate can hold.
    pub num_critical: usize,
    /// The highest frequency that the input keeps, in waves per picture.
    pub first_cutoff: f64,
    /// The lowest frequency that the filter of the input removes.
    pub first_stopband: f64,
    /// The lowest frequency that the last filters remove, in cutoffs.
    pub last_stopband_rel: f64,
    /// Pixels of a map beyond each border of the picture.
    pub margin_size: usize,
    /// How many times the rate of the maps that of a rectifier is.
    pub lrelu_upsampling: usize,
    /// What the last layer is multiplied by.
    pub output_scale: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            num_critical: 2,
            first_cutoff: 2.0,
            first_stopband: 2f64.powf(2.1),
            last_stopband_rel: 2f64.powf(0.3),
            margin_size: 10,
            lrelu_upsampling: 2,
            output_scale: 0.25,
        }
    }
}

impl Settings {
    /// The settings among the arguments that a network was made with, which NVIDIA's files store as `init_kwargs`; the
    /// defaults where they say nothing. Other arguments are ignored.
    ///
    /// # Errors
    ///
    /// If one is not a number, or out of range.
    pub fn read(arguments: &Map<String, Value>) -> Result<Self, StyleGan3Error> {
        let usual = Self::default();
        let count = |name, usual, range: RangeInclusive<usize>, expected| match arguments.get(name) {
            None => Ok(usual),
            Some(found) => match found.as_u64().and_then(|count| usize::try_from(count).ok()) {
                Some(count) if range.contains(&count) => Ok(count),
                _ => Err(StyleGan3Error::Setting { name, expected, found: found.to_string() }),
            },
        };
        let number = |name, usual| match arguments.get(name) {
            None => Ok(usual),
            Some(found) => match found.as_f64() {
                Some(number) if (1e-3..=1e4).contains(&number) => Ok(number),
                _ => Err(StyleGan3Error::Setting {
                    name,
                    expected: "a number from 0.001 to 10000",
                    found: found.to_string(),
                }),
            },
        };
        Ok(Self {
            num_critical: count("num_critical", usual.num_critical, 0..=64, "an integer from 0 to 64")?,
            first_cutoff: number("first_cutoff", usual.first_cutoff)?,
            first_stopband: number("first_stopband", usual.first_stopband)?,
            last_stopband_rel: number("last_stopband_rel", usual.last_stopband_rel)?,
            margin_size: count("margin_size", usual.margin_size, 0..=1024, "an integer from 0 to 1024")?,
            lrelu_upsampling: count(
                "lrelu_upsampling",
                usual.lrelu_upsampling,
                1..=16,
                "an integer from 1 to 16",
            )?,
            output_scale: number("output_scale", usual.output_scale)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(arguments: Value) -> Result<Settings, String> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        Settings::read(&arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let found = read(json!({"z_dim": 512, "num_critical": 3, "first_cutoff": 4, "conv_clamp": null}));
        let expected = Settings { num_critical: 3, first_cutoff: 4.0, ..Settings::default() };
        assert_eq!(found, Ok(expected));
    }

    #[test]
    fn what_is_no_setting_is_refused() {
        let check = |arguments, expected: &str| assert_eq!(read(arguments).unwrap_err(), expected);
        check(
            json!({"margin_size": -1}),
            "StyleGAN3's setting `margin_size` must be an integer from 0 to 1024, found -1",
        );
        check(
            json!({"first_stopband": "8"}),
            "StyleGAN3's setting `first_stopband` must be a number from 0.001 to 10000, found \"8\"",
        );
        check(
            json!({"output_scale": 0}),
            "StyleGAN3's setting `output_scale` must be a number from 0.001 to 10000, found 0",
        );
    }
}
