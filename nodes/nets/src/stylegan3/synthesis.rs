use std::sync::Arc;

use candle_core::{DType, Result, Tensor, bail};
use dreamwire_kernels::{Peak, TensorOptions};

use super::StyleGan3Error;
use super::input::Input;
use super::layer::{Layer, Sizes};
use super::layout::Parameters;

/// From styles to pictures. Cloning shares the weights.
#[derive(Clone)]
pub struct Synthesis {
    input: Arc<Input>,
    layers: Arc<[Layer]>,
    output_scale: f64,
    w_width: usize,
    dtype: DType,
}

impl Synthesis {
    pub(super) fn new(
        parameters: &Parameters,
        clamp: Option<f64>,
        options: &TensorOptions,
    ) -> std::result::Result<Self, StyleGan3Error> {
        let layout = &parameters.layout;
        // The first layer reads a map of its own band.
        let read = std::iter::once(&layout.bands[0]).chain(&layout.bands);
        let layers = layout.layers.iter().zip(read.zip(&layout.bands));
        let layers = layers
            .map(|(layer, (read, made))| Layer::new(parameters, layer, [read, made], clamp, options))
            .collect::<std::result::Result<Vec<_>, _>>()?;
        Ok(Self {
            input: Arc::new(Input::new(parameters, options)?),
            layers: layers.into(),
            output_scale: parameters.settings.output_scale,
            w_width: layout.w_width(),
            dtype: options.dtype,
        })
    }

    /// The layer that makes the picture.
    fn last(&self) -> Sizes {
        self.layers[self.layers.len() - 1].sizes
    }

    /// Height and width of the pictures in pixels.
    pub fn resolution(&self) -> usize {
        self.last().made
    }

    /// Channels of the pictures: 1 grey, 3 red, green and blue, 4 with an alpha.
    pub fn channels(&self) -> usize {
        self.last().outputs
    }

    /// Layers that take a style: the input, and all others.
    pub fn layers(&self) -> usize {
        self.layers.len() + 1
    }

    /// Width of one style.
    pub fn w_width(&self) -> usize {
        self.w_width
    }

    /// The memory that one picture needs.
    ///
    /// A layer has the map that it reads, the same with a frame of zeros, what is made of it by the convolution, and its
    /// result. For gradients all of these are kept, and the way back of a layer has in addition their gradients.
    pub fn peak(&self) -> Peak {
        let element = self.dtype.size_in_bytes() as u64;
        let bytes = |side: usize, channels: usize| (side * side * channels) as u64 * element;
        // Two products of waves, their sum, and the mixed waves.
        let waves = bytes(self.layers[0].sizes.read, self.input.outputs());
        let mut kept = 4 * waves;
        let (mut most, mut filters, mut largest) = ((kept, 2 * kept), 0, 0);
        for layer in self.layers.iter() {
            let Sizes { read, convolved, made, inputs, outputs, kernel } = layer.sizes;
            let framed = if kernel > 1 { bytes(convolved, inputs) } else { 0 };
            let made = framed + bytes(convolved, outputs) + bytes(made, outputs);
            kept += made;
            most = (most.0.max(bytes(read, inputs) + made), most.1.max(bytes(read, inputs) + made));
            let weights = (kernel * kernel * inputs * outputs) as u64 * element;
            filters += weights;
            // Only these are transformed.
            largest = largest.max(if kernel == 3 { weights } else { 0 });
        }
        let picture = bytes(self.resolution(), self.channels());
        let (forward, gradient) = (most.0 + 2 * picture, kept + most.1 + 2 * picture);
        // As packed, and the largest ones transformed: 81 points for 9 weights.
        Peak { fixed: filters + 9 * largest, forward, gradient, outputs: picture }
    }

    /// Pictures `[B, R, R, C]` of styles `w`, `[B, layers, w]`. They are about -1..1, with overshoots, and
    /// differentiable with respect to `w` and to `transform`.
    ///
    /// `transform`, `[B or 1, 3, 3]`, turns a place of the picture into the place that is painted there; without it the
    /// one in the weights is used, which is the identity unless it was replaced. A place is `(x, y, 1)` from the middle to
    /// the right and down, in widths of the picture.
    ///
    /// # Errors
    ///
    /// If `w` or `transform` has another shape, or `w` another type or another device than the network.
    pub fn forward(&self, w: &Tensor, transform: Option<&Tensor>) -> Result<Tensor> {
        self.forward_with(w, transform, |_, _| {})
    }

    /// As [`Synthesis::forward`], and passes the result `[B, h, w, C]` of `input` and of every layer to `each`, with its
    /// name.
    ///
    /// # Errors
    ///
    /// As [`Synthesis::forward`].
    pub fn forward_with(
        &self,
        w: &Tensor,
        transform: Option<&Tensor>,
        mut each: impl FnMut(&str, &Tensor),
    ) -> Result<Tensor> {
        self.check(w, transform)?;
        let style = |layer| w.narrow(1, layer, 1)?.squeeze(1);
        let mut x = self.input.forward(&style(0)?, transform)?;
        each("input", &x);
        for (layer, index) in self.layers.iter().zip(1..) {
            x = layer.forward(&x, &style(index)?)?;
            each(&layer.name, &x);
        }
        x * self.output_scale
    }

    fn check(&self, w: &Tensor, transform: Option<&Tensor>) -> Result<()> {
        let (layers, width) = (self.layers(), self.w_width);
        let batch = match w.dims() {
            [batch, l, n] if (*l, *n) == (layers, width) => *batch,
            found => bail!("the synthesis needs w of shape [B, {layers}, {width}], found {found:?}"),
        };
        match transform.map(Tensor::dims) {
            None => Ok(()),
            Some([n, 3, 3]) if *n == 1 || *n == batch => Ok(()),
            Some(found) => bail!("the transform must be [{batch} or 1, 3, 3], found {found:?}"),
        }
    }
}
