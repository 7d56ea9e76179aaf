use super::lowpass::LowPass;
use super::{Band, Settings};

/// Taps of a filter for each sample that it lies between.
pub(super) const TAPS: usize = 6;

/// How a layer goes from the rate of the map that it reads to its own: up to the rate of its rectifier, and down from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resampling {
    /// Samples of the rectifier per sample that is read.
    pub(super) up: usize,
    /// Samples of the rectifier per sample that is made.
    pub(super) down: usize,
}

impl Resampling {
    /// Between two layers, of which the second one has a rectifier.
    pub(super) fn new(settings: &Settings, read: &Band, made: &Band) -> Self {
        let rate = read.rate.max(made.rate) * settings.lrelu_upsampling;
        let factor = |band: &Band| (rate as f64 / band.rate.max(1) as f64).round() as usize;
        Self { up: factor(read), down: factor(made) }
    }

    /// The filters of configuration R behind upsampling and before downsampling, as shape and numbers; none
    /// where the rate does not change. The critical layers keep all frequencies that their rate can hold, also
    /// in the corners, so their filters are not radial.
    pub(super) fn filters(self, read: &Band, made: &Band) -> [Option<(Vec<usize>, Vec<f64>)>; 2] {
        let Self { up, down } = self;
        let rate = (read.rate * up) as f64;
        let low_pass = |factor: usize, band: &Band| LowPass {
            taps: TAPS * factor,
            cutoff: band.cutoff,
            width: 2.0 * band.half_width,
            rate,
        };
        let before = low_pass(up, read);
        let after = low_pass(down, made);
        let is_critical = 2.0 * made.cutoff >= made.rate as f64;
        let along = |filter: LowPass| (vec![filter.taps], filter.along());
        let after = match is_critical {
            true => along(after),
            false => (vec![after.taps; 2], after.radial()),
        };
        [(up > 1).then(|| along(before)), (down > 1).then_some(after)]
    }

    /// Zeros before and after a row of the convolved map after upsampling; negative ones are cropped. The convolution
    /// is a full one, it makes rows longer by `kernel - 1`, and the filters have that many taps.
    pub(super) fn padding(self, read: &Band, made: &Band, kernel: usize, taps: Taps) -> [isize; 2] {
        let Self { up, down } = self;
        // What the filter before downsampling reads, against what upsampling gives.
        let wanted = (made.size - 1) * down + 1 + taps.up + taps.down - 2;
        let found = (read.size + kernel - 1) * up;
        let total = wanted as isize - found as isize;
        // The first sample of the result lies where the first one that is read does.
        let before = (total + up as isize).div_euclid(2);
        [before, total - before]
    }
}

/// Lengths of a layer's filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taps {
    /// Of the one behind upsampling.
    pub(super) up: usize,
    /// Of the one before downsampling.
    pub(super) down: usize,
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::Value;

    use super::*;

    /// The layers of every released network, as NVIDIA's program makes them.
    #[test]
    fn released_networks() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref/sg3/sg3_layer_tables.json");
        let tables: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let tables = tables.as_object().unwrap();
        assert_eq!(tables.len(), 4);
        for (network, layers) in tables {
            let layers = layers.as_object().unwrap();
            let (configuration, resolution) = network.split_once('-').unwrap();
            let kernel = if configuration == "t" { 3 } else { 1 };
            let settings = Settings::default();
            let bands = Band::all(&settings, resolution.parse().unwrap(), layers.len() - 1);
            for (name, expected) in layers {
                let index = name[1..].split_once('_').unwrap().0.parse::<usize>().unwrap();
                let (read, made) = (&bands[index.saturating_sub(1)], &bands[index]);
                let number = |key: &str| expected[key].as_f64().unwrap();
                let count = |key: &str| expected[key].as_u64().unwrap() as usize;
                let what = format!("{name} of {network}");
                for (band, side) in [(read, "in"), (made, "out")] {
                    assert_eq!(band.rate, count(&format!("{side}_sampling_rate")), "{what}");
                    assert_eq!(expected[format!("{side}_size")], serde_json::json!([band.size, band.size]));
                    for (key, found) in [("cutoff", band.cutoff), ("half_width", band.half_width)] {
                        let expected = number(&format!("{side}_{key}"));
                        assert!((found - expected).abs() < 1e-9 * expected, "{key} of {what}: {found}");
                    }
                }
                // The last layer has no rectifier.
                if index + 1 == layers.len() {
                    continue;
                }
                let resampling = Resampling::new(&settings, read, made);
                assert_eq!((resampling.up, resampling.down), (count("up"), count("down")), "{what}");
                let taps = Taps { up: count("up_taps"), down: count("down_taps") };
                let [before, after] = resampling.padding(read, made, kernel, taps);
                assert_eq!(expected["padding"], serde_json::json!([before, after, before, after]), "{what}");
            }
        }
    }
}
