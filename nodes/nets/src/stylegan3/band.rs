use super::Settings;

/// The frequencies of a layer's map, in waves per picture, and how it is sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The highest frequency that is kept.
    pub cutoff: f64,
    /// Half the width of the transition from kept to removed frequencies.
    pub half_width: f64,
    /// Samples per picture.
    pub rate: usize,
    /// Height and width in samples, with the margin.
    pub size: usize,
}

impl Band {
    /// Those of all `layers + 1` layers of a network for pictures of `resolution` pixels; the input has the first one.
    ///
    /// Cutoffs and stopbands grow geometrically up to the critical layers; the rate is the next power of 2 above twice
    /// the stopband (the article's section 3.2 and appendix F, and `SynthesisNetwork` of NVIDIA's code).
    pub(super) fn all(settings: &Settings, resolution: usize, layers: usize) -> Vec<Self> {
        let side = resolution as f64;
        let last_cutoff = side / 2.0;
        let last_stopband = last_cutoff * settings.last_stopband_rel;
        // Layers before the critical ones; there is one at least.
        let growing = layers.saturating_sub(settings.num_critical).max(1) as f64;
        let between = |first: f64, last: f64, exponent: f64| first * (last / first).powf(exponent);
        (0..=layers)
            .map(|layer| {
                let exponent = (layer as f64 / growing).min(1.0);
                let cutoff = between(settings.first_cutoff, last_cutoff, exponent);
                let stopband = between(settings.first_stopband, last_stopband, exponent);
                let rate = (2.0 * stopband).min(side).log2().ceil().exp2();
                let is_cropped = layer + 1 >= layers;
                let size = if is_cropped { resolution } else { rate as usize + 2 * settings.margin_size };
                Self { cutoff, half_width: stopband.max(rate / 2.0) - cutoff, rate: rate as usize, size }
            })
            .collect()
    }
}
