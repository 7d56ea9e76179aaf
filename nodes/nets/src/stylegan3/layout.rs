use std::collections::{BTreeMap, HashMap};

use candle_core::{DType, Tensor};

use super::resampling::{Resampling, TAPS};
use super::{Band, Settings, StyleGan3Error};
use crate::parameters::{self, ParameterError};
use crate::stylegan::MappingSizes;

/// What errors call this network.
const NETWORK: &str = "a StyleGAN3 generator";
/// The largest plausible number of layers and side of a picture; a file with more is not one of ours.
const MOST_LAYERS: usize = 64;
const LARGEST: usize = 4096;
/// The largest plausible number of taps.
const MOST_TAPS: usize = 512;

/// The sizes that determine the shapes of all tensors.
pub(super) struct Layout {
    /// Its outputs are the styles.
    pub(super) mapping: MappingSizes,
    pub(super) layers: Vec<LayerLayout>,
    pub(super) bands: Vec<Band>,
}

/// One layer.
pub(super) struct LayerLayout {
    /// Its tensors begin with this.
    pub(super) name: String,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Height and width of its kernels.
    pub(super) kernel: usize,
    /// None in the last layer, which makes the picture.
    pub(super) resampling: Option<Resampling>,
}

impl Layout {
    /// The sizes that fit `tensors` best.
    fn of(tensors: &HashMap<String, Tensor>, settings: &Settings) -> Result<Self, StyleGan3Error> {
        let problem = |text: String| ParameterError { network: NETWORK, problems: vec![text] };
        let named = named(tensors);
        let last = named.keys().last().copied().unwrap_or(0);
        if let Some(missing) = (0..=last).find(|index| !named.contains_key(index)) {
            return Err(problem(format!("all tensors of `synthesis.L{missing}_..` are missing")).into());
        }
        if last <= settings.num_critical || last > MOST_LAYERS {
            let (count, least) = (last + 1, settings.num_critical + 2);
            return Err(problem(format!(
                "it must have {least} to {} layers `synthesis.L0_..`, found {count}",
                MOST_LAYERS + 1
            ))
            .into());
        }
        let (resolution, channels) = named[&last];
        if !(8..=LARGEST).contains(&resolution) || ![1, 3, 4].contains(&channels) {
            return Err(problem(format!(
                "`synthesis.L{last}_{resolution}_{channels}` must make pictures of 8 to {LARGEST} pixels with 1, 3 or 4 \
                 channels"
            ))
            .into());
        }
        let bands = Band::all(settings, resolution, last);
        // The input's waves fade out from its cutoff to half its rate.
        let is_fading = |layer: usize, band: &Band| layer > 0 || band.rate as f64 > 2.0 * band.cutoff;
        let is_held = |layer, band: &Band| band.rate > 0 && band.half_width > 0.0 && is_fading(layer, band);
        if let Some((layer, Band { cutoff, rate, .. })) =
            bands.iter().enumerate().find(|(layer, band)| !is_held(*layer, band))
        {
            return Err(StyleGan3Error::Frequencies { layer, cutoff: *cutoff, rate: *rate });
        }
        for ((index, (size, channels)), band) in named.iter().zip(&bands) {
            if *size != band.size {
                let (layer, expected) = (format!("L{index}_{size}_{channels}"), band.size);
                return Err(StyleGan3Error::Sizes { layer, found: *size, expected });
            }
        }
        let layers = named.iter().map(|(index, (size, channels))| {
            let previous = index.saturating_sub(1);
            let name = format!("synthesis.L{index}_{size}_{channels}");
            let kernel = tensors.get(&format!("{name}.weight")).and_then(|weight| weight.dims().last());
            LayerLayout {
                // The last one mixes channels only.
                kernel: kernel
                    .copied()
                    .filter(|kernel| *index < last && [3, 5, 7].contains(kernel))
                    .unwrap_or(1),
                name,
                inputs: named[&previous].1,
                outputs: *channels,
                resampling: (*index < last)
                    .then(|| Resampling::new(settings, &bands[previous], &bands[*index])),
            }
        });
        Ok(Self { mapping: MappingSizes::of(tensors), layers: layers.collect(), bands })
    }

    /// Of configuration R, with `channels` in all maps and the colours of the picture.
    pub(super) fn of_configuration_r(
        settings: &Settings,
        mapping: MappingSizes,
        resolution: usize,
        last: usize,
        channels: usize,
    ) -> Self {
        let bands = Band::all(settings, resolution, last);
        let layer = |(index, band): (usize, &Band)| {
            let is_last = index == last;
            let outputs = if is_last { 3 } else { channels };
            LayerLayout {
                name: format!("synthesis.L{index}_{}_{outputs}", band.size),
                inputs: channels,
                outputs,
                kernel: 1,
                resampling: (!is_last)
                    .then(|| Resampling::new(settings, &bands[index.saturating_sub(1)], band)),
            }
        };
        let layers = bands.iter().enumerate().map(layer).collect();
        Self { mapping, layers, bands }
    }

    /// Width of one style.
    pub(super) fn w_width(&self) -> usize {
        self.mapping.outputs()
    }

    /// Layers of w: one of the input, one of each layer.
    pub(super) fn styles(&self) -> usize {
        self.layers.len() + 1
    }

    /// Names and shapes of all tensors that are used. Those of filters are the most usual ones.
    pub(super) fn shapes(&self) -> Vec<(String, Vec<usize>)> {
        let (channels, w) = (self.layers[0].inputs, self.w_width());
        let mut shapes = self.mapping.shapes();
        let mut add = |name: String, shape: &[usize]| shapes.push((name, shape.to_vec()));
        add("mapping.w_avg".into(), &[w]);
        add("synthesis.input.weight".into(), &[channels, channels]);
        add("synthesis.input.freqs".into(), &[channels, 2]);
        add("synthesis.input.phases".into(), &[channels]);
        add("synthesis.input.transform".into(), &[3, 3]);
        add("synthesis.input.affine.weight".into(), &[4, w]);
        add("synthesis.input.affine.bias".into(), &[4]);
        for LayerLayout { name, inputs, outputs, kernel, resampling } in &self.layers {
            add(format!("{name}.weight"), &[*outputs, *inputs, *kernel, *kernel]);
            add(format!("{name}.bias"), &[*outputs]);
            add(format!("{name}.affine.weight"), &[*inputs, w]);
            add(format!("{name}.affine.bias"), &[*inputs]);
            add(format!("{name}.magnitude_ema"), &[]);
            // Without a change of rate there is no filter.
            for (filter, factor) in resampling.iter().flat_map(|it| [("up", it.up), ("down", it.down)]) {
                if factor > 1 {
                    add(format!("{name}.{filter}_filter"), &[TAPS * factor]);
                }
            }
        }
        shapes
    }
}

/// Side and channels of the layers `synthesis.L{index}_{side}_{channels}.*`, as their names tell them.
fn named(tensors: &HashMap<String, Tensor>) -> BTreeMap<usize, (usize, usize)> {
    let parse = |name: &String| {
        let mut numbers = name.strip_prefix("synthesis.L")?.split_once('.')?.0.split('_');
        let mut next = || numbers.next()?.parse::<usize>().ok();
        let layer = (next()?, (next()?, next()?));
        numbers.next().is_none().then_some(layer)
    };
    // The largest of several, so that it is always the same one; the others are unexpected tensors.
    let mut layers = BTreeMap::new();
    for (index, sizes) in tensors.keys().filter_map(parse) {
        let known = layers.entry(index).or_insert(sizes);
        *known = sizes.max(*known);
    }
    layers
}

/// The tensors of a generator, complete and of consistent shapes.
pub(super) struct Parameters {
    pub(super) layout: Layout,
    pub(super) settings: Settings,
    pub(super) tensors: HashMap<String, Tensor>,
}

impl Parameters {
    /// # Errors
    ///
    /// Names the tensors that are missing, have another shape, are not finite, or do not belong to it; or the layer whose
    /// size does not follow from the settings.
    pub(super) fn new(tensors: HashMap<String, Tensor>, settings: &Settings) -> Result<Self, StyleGan3Error> {
        let layout = Layout::of(&tensors, settings)?;
        let mut shapes = layout.shapes();
        for (name, shape) in &mut shapes {
            if let Some(found) = tensors.get(name).map(Tensor::dims)
                && is_variant(name, found)
            {
                *shape = found.to_vec();
            }
        }
        let taken = parameters::take(NETWORK, tensors, &shapes, |_| false)?;
        let tensors: HashMap<String, Tensor> = shapes.into_iter().map(|(name, _)| name).zip(taken).collect();
        for (name, tensor) in &tensors {
            // A sum of squares of NaN or infinity is not finite.
            let power = tensor.to_dtype(DType::F64)?.sqr()?.sum_all()?.to_scalar::<f64>()?;
            if !power.is_finite() {
                return Err(StyleGan3Error::NotFinite { name: name.clone() });
            }
        }
        Ok(Self { layout, settings: settings.clone(), tensors })
    }

    /// The tensor of that name, if this network has one.
    pub(super) fn find(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// The tensor of that name, which is in every network of this layout.
    pub(super) fn get(&self, name: &str) -> &Tensor {
        self.find(name).expect("all tensors of the layout were taken")
    }
}

/// Whether a tensor may have this shape instead of the layout's.
fn is_variant(name: &str, shape: &[usize]) -> bool {
    match shape {
        // Networks that went through numpy have no scalars.
        [1] if name.ends_with(".magnitude_ema") => true,
        [taps] => name.ends_with("_filter") && (1..=MOST_TAPS).contains(taps),
        // Radial filters are not products of a column and a row.
        [h, w] => name.ends_with("_filter") && h == w && (1..=MOST_TAPS).contains(h),
        _ => false,
    }
}
