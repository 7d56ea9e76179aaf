//! The transposed convolution of stride 2 that upsamples a map, and its adjoint.
//!
//! With a 3x3 kernel `w`, output row `2m` depends on input rows `m - 1` (through `w[2]`) and `m` (through
//! `w[0]`), and output row `2m + 1` on input row `m` (through `w[1]`); columns likewise. So the outputs of
//! even and odd rows and columns are four interleaved convolutions with kernels of 2x2, 2x1, 1x2 and 1x1:
//! nine multiplications per input, output and pixel of the small map, and none by zero. Large maps use
//! [`winograd`], which takes about five.

use std::sync::OnceLock;

use rayon::prelude::*;

use crate::activation::{Activation, View};
use crate::convolution::{Target, Window, correlate, correlate_strip, strip_rows};
use crate::element::Element;
use crate::epilogue::{Epilogue, scale_pixels};
use crate::filters::Filters;
use crate::layer::Padding;
use crate::shared::Shared;
use crate::winograd::{self, Rounding, Sink, Source};

/// Kernel rows (or columns) of even and odd outputs, in the order of the inputs that they read.
const PARITIES: [&[usize]; 2] = [&[2, 0], &[1]];

/// The filters of a transposed 3x3 convolution of stride 2.
pub(crate) struct Upsampling<T> {
    filters: Filters<T>,
    /// Even rows and even columns, even and odd, odd and even, odd and odd; created on first use.
    phases: OnceLock<[Filters<T>; 4]>,
    /// Inputs and outputs exchanged; created on first use.
    transposed: OnceLock<Filters<T>>,
}

impl<T: Element> Upsampling<T> {
    /// From `[outputs, inputs, 3, 3]`.
    pub(crate) fn from_oihw(weight: &[T], [outputs, inputs]: [usize; 2]) -> Self {
        let filters = Filters::from_oihw(weight, [outputs, inputs, 3, 3]);
        Self { filters, phases: OnceLock::new(), transposed: OnceLock::new() }
    }

    fn phases(&self) -> &[Filters<T>; 4] {
        let Filters { inputs, outputs, .. } = self.filters;
        self.phases.get_or_init(|| {
            [0, 1, 2, 3].map(|phase| {
                let (rows, columns) = (PARITIES[phase / 2], PARITIES[phase % 2]);
                Filters::pack([outputs, inputs, rows.len(), columns.len()], |o, i, v, u| {
                    self.filters.weight(o, i, rows[v], columns[u])
                })
            })
        })
    }

    /// `[n, h, w, c]` to `[n, 2 h + 1, 2 w + 1, o]`; the scales are `[n, c]` and `[n, o]`.
    pub(crate) fn apply(
        &self,
        map: View<'_, T>,
        input_scale: &[T],
        output_scale: Option<&[T]>,
    ) -> Activation<T> {
        let outputs = self.filters.outputs;
        let mut out = Activation::new([map.n, outputs, 2 * map.h + 1, 2 * map.w + 1]);
        if !winograd::is_worthwhile_between(map.c, [map.h, map.w]) {
            self.apply_phases(map, input_scale, output_scale, &mut out);
            return out;
        }
        let source = Source { scale: Some(input_scale), ..Source::new(map, Padding::zeros(1)) };
        let size = [out.h, out.w];
        let epilogue = Epilogue { scale: output_scale, ..Epilogue::none() };
        let sink = Sink { epilogue, ..Sink::new(Shared::new(&mut out.data), map.n, size, outputs) };
        winograd::enlarge(&source, &self.filters, &sink);
        out
    }

    /// The adjoint, `[n, 2 h + 1, 2 w + 1, o]` to `[n, h, w, c]`: a convolution of stride 2. The scale is
    /// `[n, o]`.
    pub(crate) fn apply_transposed(&self, map: View<'_, T>, input_scale: Option<&[T]>) -> Activation<T> {
        let Filters { inputs, outputs, .. } = self.filters;
        let transposed = self.transposed.get_or_init(|| {
            Filters::pack([inputs, outputs, 3, 3], |i, o, v, u| self.filters.weight(o, i, v, u))
        });
        let size = [map.h / 2, map.w / 2];
        if !winograd::is_worthwhile_between(map.c, size) {
            let window = Window { input_scale, ..Window::new(Padding::zeros(0), 2) };
            return correlate(map, transposed, &window, Rounding::Coarse);
        }
        let mut out = Activation::new([map.n, inputs, size[0], size[1]]);
        let source = Source { scale: input_scale, ..Source::new(map, Padding::zeros(0)) };
        winograd::halve(&source, transposed, &Sink::new(Shared::new(&mut out.data), map.n, size, inputs));
        out
    }

    fn apply_phases(
        &self,
        map: View<'_, T>,
        input_scale: &[T],
        output_scale: Option<&[T]>,
        out: &mut Activation<T>,
    ) {
        let (outputs, phases) = (self.filters.outputs, self.phases());
        if out.data.is_empty() {
            return;
        }
        // Row pairs per strip; the last pair is half a pair.
        let pairs = strip_rows(map.h + 1, map.w + 1, map.c + 4 * outputs);
        let (row_len, image_len) = (out.w * outputs, out.image_len());
        let strips = out.data.par_chunks_mut(image_len).enumerate().flat_map(|(n, image)| {
            image
                .par_chunks_mut(2 * pairs * row_len)
                .enumerate()
                .map(move |(strip, out)| (n, strip * pairs, out))
        });
        strips.for_each_init(Vec::new, |scratch, (n, first, out)| {
            let image = &map.data[n * map.image_len()..][..map.image_len()];
            let rows = out.len() / row_len;
            let padded_row = (map.w + 2) * map.c;
            // The padded row above the first, and one below for every pair.
            scratch.resize((rows.div_ceil(2) + 1) * padded_row, T::ZERO);
            Padding::zeros(1).write_rows([map.h, map.w, map.c], image, first, padded_row, scratch);
            scale_pixels(scratch, Some(&input_scale[n * map.c..][..map.c]));
            for (phase, filters) in phases.iter().enumerate() {
                let (odd_row, odd_column) = (phase / 2, phase % 2);
                let rows = if odd_row == 0 { rows.div_ceil(2) } else { rows / 2 };
                if rows == 0 {
                    continue;
                }
                let target = Target {
                    out: &mut out[odd_row * row_len + odd_column * outputs..],
                    rows,
                    w: map.w + 1 - odd_column,
                    row_len: 2 * row_len,
                    pixel_len: 2 * outputs,
                };
                // Odd outputs do not read the input before.
                let start = odd_row * padded_row + odd_column * map.c;
                correlate_strip(&scratch[start..], padded_row, filters, 1, target);
            }
            scale_pixels(out, output_scale.map(|scale| &scale[n * outputs..][..outputs]));
        });
    }
}
