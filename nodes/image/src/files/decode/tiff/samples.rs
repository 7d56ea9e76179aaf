use super::layout::Layout;
use ::tiff::decoder::DecodingResult;

/// The samples of a picture, as they were stored.
pub(super) struct Samples<'a> {
    pub(super) data: &'a DecodingResult,
    pub(super) layout: &'a Layout,
    /// Bytes from one row to the next, and from one plane to the next.
    pub(super) strides: (usize, usize),
    pub(super) width: usize,
}

impl Samples<'_> {
    /// The greatest integer.
    pub(super) fn max(&self) -> f32 {
        2f32.powi(self.layout.bits.into()) - 1.0
    }

    /// Row `y`, pixel after pixel. Integers become 0..1, or with `whole` stay what they are.
    pub(super) fn row(&self, y: usize, whole: bool, out: &mut [f32]) {
        let all = usize::from(self.layout.samples);
        let together = self.layout.side_by_side();
        for plane in 0..all / together {
            let start = plane * self.strides.1 + y * self.strides.0;
            let mut targets = out.chunks_exact_mut(all).flat_map(|pixel| &mut pixel[plane..plane + together]);
            let count = self.width * together;
            let bits = usize::from(self.layout.bits);
            let scale = |max: f64| if whole { 1.0 } else { 1.0 / max };
            match self.data {
                DecodingResult::U8(data) if bits != 8 => {
                    let max = f64::from((1u32 << bits) - 1);
                    let scale = scale(max);
                    for (i, target) in targets.enumerate().take(count) {
                        *target = (f64::from(packed(&data[start..], i * bits, bits)) * scale) as f32;
                    }
                }
                DecodingResult::U8(data) => fill(&mut targets, data, start, scale(255.0), f64::from),
                DecodingResult::U16(data) => fill(&mut targets, data, start, scale(65_535.0), f64::from),
                DecodingResult::U32(data) => {
                    fill(&mut targets, data, start, scale(f64::from(u32::MAX)), f64::from)
                }
                DecodingResult::U64(data) => {
                    fill(&mut targets, data, start, scale(u64::MAX as f64), |v| v as f64)
                }
                DecodingResult::I8(data) => {
                    fill(&mut targets, data, start, scale(f64::from(i8::MAX)), f64::from)
                }
                DecodingResult::I16(data) => {
                    fill(&mut targets, data, start, scale(f64::from(i16::MAX)), f64::from)
                }
                DecodingResult::I32(data) => {
                    fill(&mut targets, data, start, scale(f64::from(i32::MAX)), f64::from)
                }
                DecodingResult::I64(data) => {
                    fill(&mut targets, data, start, scale(i64::MAX as f64), |v| v as f64)
                }
                DecodingResult::F16(data) => fill(&mut targets, data, start, 1.0, |v| v.to_f64()),
                DecodingResult::F32(data) => fill(&mut targets, data, start, 1.0, f64::from),
                DecodingResult::F64(data) => fill(&mut targets, data, start, 1.0, |v| v),
            }
        }
    }
}

/// Numbers from the byte `start` on.
fn fill<T: Copy>(
    targets: &mut dyn Iterator<Item = &'_ mut f32>,
    data: &[T],
    start: usize,
    scale: f64,
    number: impl Fn(T) -> f64,
) {
    let data = &data[start / size_of::<T>()..];
    for (target, &sample) in targets.zip(data) {
        *target = (number(sample) * scale) as f32;
    }
}

/// `bits` bits, at most 16, from the bit `at` on, the highest first.
fn packed(bytes: &[u8], at: usize, bits: usize) -> u16 {
    let byte = |i: usize| u32::from(bytes.get(at / 8 + i).copied().unwrap_or(0));
    let three = byte(0) << 16 | byte(1) << 8 | byte(2);
    ((three >> (24 - at % 8 - bits)) & ((1 << bits) - 1)) as u16
}
