use std::f64::consts::TAU;

use candle_core::{DType, Device, Result, Tensor};
use dreamwire_kernels::{ModulatedConv, Stack, TensorOptions};

use super::layout::Parameters;
use crate::parameters::placed;
use crate::stylegan::dense;

/// Keeps the slope of a length finite where the length is 0.
const EPSILON: f64 = 1e-30;

/// What the first layer reads: per channel a wave over the plane, mixed by a matrix. Waves are moved and turned by the
/// style and by the caller (Karras et al., arXiv:2106.12423, section 3.2 and appendix F).
///
/// All but the waves themselves is computed in f64, on the CPU whatever the network's device: these are few numbers,
/// angles lose digits, and Metal has no f64.
pub(super) struct Input {
    /// From w to the cosine and sine of an angle, and a shift along x and y; all four to be divided by the length of the
    /// first two.
    affine: Stack,
    /// Waves per picture along x and y, `[1, C]` each, f64.
    frequencies: [Tensor; 2],
    /// In waves, `[1, C]`, f64.
    phases: Tensor,
    /// What the caller may replace, `[1, 3, 3]`, f64.
    transform: Tensor,
    /// Of samples along either axis from the middle of the picture, in pictures, f64.
    places: Vec<f64>,
    /// Waves fade out from the first frequency to the second one, which the map cannot hold.
    fading: [f64; 2],
    /// 1x1, fixed. Its styles are how much is left of every wave.
    mixing: ModulatedConv,
    options: TensorOptions,
}

impl Input {
    pub(super) fn new(parameters: &Parameters, options: &TensorOptions) -> Result<Self> {
        let tensor = |part| parameters.get(&format!("synthesis.input.{part}"));
        let double = |part| tensor(part).to_dtype(DType::F64);
        let band = parameters.layout.bands[0];
        let frequencies = double("freqs")?;
        let (channels, _) = frequencies.dims2()?;
        let axis = |axis| frequencies.narrow(1, axis, 1)?.reshape((1, channels));
        let weight = (double("weight")? / (channels as f64).sqrt())?.reshape((channels, channels, 1, 1))?;
        let place = |index: usize| (index as f64 + 0.5 - band.size as f64 / 2.0) / band.rate as f64;
        let affine = dense(tensor("affine.weight"), tensor("affine.bias"), [1.0, 1.0])?;
        Ok(Self {
            affine: Stack::new(&[affine], options.clone())?,
            frequencies: [axis(0)?, axis(1)?],
            phases: double("phases")?.unsqueeze(0)?,
            transform: double("transform")?.unsqueeze(0)?,
            places: (0..band.size).map(place).collect(),
            fading: [band.cutoff, band.rate as f64 / 2.0],
            mixing: ModulatedConv::new(&weight, false, options.clone())?,
            options: options.clone(),
        })
    }

    /// Channels of the map.
    pub(super) fn outputs(&self) -> usize {
        self.mixing.outputs()
    }

    /// The map `[B, h, w, C]` of styles `w`, `[B, w]`, and of the caller's `transform`, `[B or 1, 3, 3]`, on any device.
    pub(super) fn forward(&self, w: &Tensor, transform: Option<&Tensor>) -> Result<Tensor> {
        let transform = match transform {
            Some(transform) => transform.to_device(&Device::Cpu)?.to_dtype(DType::F64)?,
            None => self.transform.clone(),
        };
        let [to_x, to_y] = self.placing(w, &transform)?;
        // Waves of moved places are waves of other frequencies and phases.
        let [along_x, along_y] = &self.frequencies;
        let turned = |axis: usize| {
            along_x.broadcast_mul(&to_x[axis])?.broadcast_add(&along_y.broadcast_mul(&to_y[axis])?)
        };
        let (across, down) = (turned(0)?, turned(1)?);
        let phases = turned(2)?.broadcast_add(&self.phases)?;

        let length = ((across.sqr()? + down.sqr()?)? + EPSILON)?.sqrt()?;
        let [full, none] = self.fading;
        // 1 up to the cutoff, 0 from half the rate on.
        let left = length.affine(-1.0 / (none - full), none / (none - full))?.clamp(0.0, 1.0)?;
        let x = self.waves(&across, &down, &phases)?;
        self.mixing.apply(&x, &placed(&left, &self.options)?.contiguous()?, None)
    }

    /// The upper two rows of the matrices that turn a place `(x, y, 1)` into the place that is painted there, `[B, 1]`
    /// per number.
    fn placing(&self, w: &Tensor, transform: &Tensor) -> Result<[[Tensor; 3]; 2]> {
        let (batch, width) = w.dims2()?;
        let styles = self.affine.apply(&w.reshape((batch, width, 1, 1))?, &[0])?.swap_remove(0);
        let styles = styles.reshape((batch, 4))?.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        let turning = styles.narrow(1, 0, 2)?;
        let styles = styles.broadcast_div(&turning.sqr()?.sum_keepdim(1)?.sqrt()?)?;
        let number = |index| styles.narrow(1, index, 1);
        let (cosine, sine, x, y) = (number(0)?, number(1)?, number(2)?, number(3)?);
        // Shifted by (-x, -y), then rotated.
        let rows = [
            [cosine.clone(), sine.neg()?, ((&sine * &y)? - (&cosine * &x)?)?],
            [sine.clone(), cosine.clone(), ((&sine * &x)? + (&cosine * &y)?)?.neg()?],
        ];
        let batch = transform.dim(0)?;
        let entry = |row, column| transform.narrow(1, row, 1)?.narrow(2, column, 1)?.reshape((batch, 1));
        let product = |row: &[Tensor; 3], column: usize| {
            let [a, b, c] = row;
            let sum = a.broadcast_mul(&entry(0, column)?)?.add(&b.broadcast_mul(&entry(1, column)?)?)?;
            sum.add(&c.broadcast_mul(&entry(2, column)?)?)
        };
        let times =
            |row| -> Result<[Tensor; 3]> { Ok([product(row, 0)?, product(row, 1)?, product(row, 2)?]) };
        let [upper, lower] = &rows;
        Ok([times(upper)?, times(lower)?])
    }

    /// `sin(2 pi (across x + down y + phases))` at all places, `[B, h, w, C]`.
    ///
    /// By the sine of a sum: waves along x and along y are few numbers, their products many.
    fn waves(&self, across: &Tensor, down: &Tensor, phases: &Tensor) -> Result<Tensor> {
        let (batch, channels) = across.dims2()?;
        let size = self.places.len();
        let along = |frequencies: &Tensor, shape: [usize; 3]| {
            let places = Tensor::from_slice(&self.places, [&[1], &shape[..]].concat(), &Device::Cpu)?;
            frequencies.reshape((batch, 1, 1, channels))?.broadcast_mul(&places)
        };
        let phases = phases.reshape((batch, 1, 1, channels))?;
        let columns = (along(across, [1, size, 1])? * TAU)?;
        let rows = (along(down, [size, 1, 1])?.broadcast_add(&phases)? * TAU)?;
        let single = |x: Tensor| placed(&x, &self.options);
        let one = single(columns.sin()?)?.broadcast_mul(&single(rows.cos()?)?)?;
        let other = single(columns.cos()?)?.broadcast_mul(&single(rows.sin()?)?)?;
        one + other
    }
}
