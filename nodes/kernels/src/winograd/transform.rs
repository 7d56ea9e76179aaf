//! The transforms of F(4x4, 3x3), for any number type; compiled for AVX2 beside.

use super::{PRODUCTS, SIDE, STEP};
use crate::element::Element;
use crate::tile::COLUMNS;

/// The points other than 0 and infinity are plus and minus these.
const NEAR: f64 = std::f64::consts::FRAC_1_SQRT_2;
const FAR: f64 = std::f64::consts::SQRT_2;

/// Where a row of tiles is written: `rows` rows of `width` pixels, `row_len` and `pixel_len` numbers apart, of
/// which `channels` numbers each are written.
pub(crate) struct Target {
    pub(super) row_len: usize,
    pub(super) pixel_len: usize,
    pub(super) rows: usize,
    pub(super) width: usize,
    pub(super) channels: usize,
}

/// The transforms that this CPU does fastest.
pub(crate) struct Transforms<T> {
    /// Rows of padded pixels (and how far apart they start), the number of tiles and channels, the tiles
    /// `[36][tiles][channels]`.
    pub(super) input: fn(&[T], usize, [usize; 2], &mut [T]),
    /// Products `[36][..][16]` (and how far apart these start), the number of tiles, and where they go.
    pub(super) output: fn(&[T], usize, usize, &mut [T], Target),
}

impl Transforms<f32> {
    pub(crate) fn f32() -> Self {
        #[cfg(target_arch = "x86_64")]
        if super::transform_avx2::is_available() {
            return Self { input: super::transform_avx2::input, output: super::transform_avx2::output };
        }
        Self { input, output }
    }
}

impl Transforms<f64> {
    pub(crate) fn f64() -> Self {
        Self { input, output }
    }
}

/// `G w G'`.
pub(super) fn filter(kernel: [[f64; 3]; 3]) -> [[f64; SIDE]; SIDE] {
    let [a, b] = [NEAR, FAR];
    // Values of w0 + w1 x + w2 x^2 at the points, each over the product of its distances to the others.
    let line = |[w0, w1, w2]: [f64; 3]| {
        let even = [w0 + w2 * a * a, w0 + w2 * b * b];
        [
            w0,
            (even[0] + w1 * a) / -1.5,
            (even[0] - w1 * a) / -1.5,
            (even[1] + w1 * b) / 6.0,
            (even[1] - w1 * b) / 6.0,
            w2,
        ]
    };
    let rows = kernel.map(line);
    let columns = [0, 1, 2, 3, 4, 5].map(|j| line([rows[0][j], rows[1][j], rows[2][j]]));
    [0, 1, 2, 3, 4, 5].map(|i| columns.map(|column| column[i]))
}

/// Some channels at once.
type Lanes<T, const L: usize> = [T; L];

/// `x + y * factor`, per lane.
#[inline(always)]
fn add<T: Element, const L: usize>(x: Lanes<T, L>, y: Lanes<T, L>, factor: f64) -> Lanes<T, L> {
    let factor = T::from_f64(factor);
    std::array::from_fn(|lane| x[lane] + y[lane] * factor)
}

#[inline(always)]
fn scale<T: Element, const L: usize>(x: Lanes<T, L>, factor: f64) -> Lanes<T, L> {
    let factor = T::from_f64(factor);
    x.map(|x| x * factor)
}

/// `B' d`: the rows are the coefficients of the product of `x - p` over the other points p.
#[inline(always)]
fn forward<T: Element, const L: usize>(d: [Lanes<T, L>; SIDE]) -> [Lanes<T, L>; SIDE] {
    let near = (add(d[4], d[2], -2.0), scale(add(d[3], d[1], -2.0), NEAR));
    let far = (add(d[4], d[2], -0.5), scale(add(d[3], d[1], -0.5), FAR));
    [
        add(add(d[0], d[4], 1.0), d[2], -2.5),
        add(near.0, near.1, 1.0),
        add(near.0, near.1, -1.0),
        add(far.0, far.1, 1.0),
        add(far.0, far.1, -1.0),
        add(add(d[1], d[5], 1.0), d[3], -2.5),
    ]
}

/// `A' m`: powers of the points.
#[inline(always)]
fn back<T: Element, const L: usize>(m: [Lanes<T, L>; SIDE]) -> [Lanes<T, L>; STEP] {
    let (near_sum, near_difference) = (add(m[1], m[2], 1.0), add(m[1], m[2], -1.0));
    let (far_sum, far_difference) = (add(m[3], m[4], 1.0), add(m[3], m[4], -1.0));
    [
        add(add(m[0], near_sum, 1.0), far_sum, 1.0),
        add(scale(near_difference, NEAR), far_difference, FAR),
        add(scale(near_sum, 0.5), far_sum, 2.0),
        add(add(m[5], near_difference, 0.5 * NEAR), far_difference, 2.0 * FAR),
    ]
}

#[inline(always)]
pub(super) fn input<T: Element>(rows: &[T], pitch: usize, [columns, channels]: [usize; 2], tiles: &mut [T]) {
    let product_len = columns * channels;
    for column in 0..columns {
        let (from, to) = (column * STEP * channels, column * channels);
        let whole = channels - channels % 8;
        for channel in (0..whole).step_by(8) {
            let pixels = &rows[from + channel..];
            input_lanes::<T, 8>(pixels, [pitch, channels], &mut tiles[to + channel..], product_len);
        }
        for channel in whole..channels {
            let pixels = &rows[from + channel..];
            input_lanes::<T, 1>(pixels, [pitch, channels], &mut tiles[to + channel..], product_len);
        }
    }
}

/// `B' d B` for the channels of one tile.
#[inline(always)]
fn input_lanes<T: Element, const L: usize>(
    pixels: &[T],
    [pitch, pixel_len]: [usize; 2],
    tiles: &mut [T],
    product_len: usize,
) {
    let load = |i: usize, j: usize| -> Lanes<T, L> {
        let pixel = &pixels[i * pitch + j * pixel_len..][..L];
        std::array::from_fn(|lane| pixel[lane])
    };
    let mut columns = [[[T::ZERO; L]; SIDE]; SIDE];
    for (j, column) in columns.iter_mut().enumerate() {
        *column = forward(std::array::from_fn(|i| load(i, j)));
    }
    for i in 0..SIDE {
        let row = forward(std::array::from_fn(|j| columns[j][i]));
        for (j, lanes) in row.iter().enumerate() {
            tiles[(i * SIDE + j) * product_len..][..L].copy_from_slice(lanes);
        }
    }
}

#[inline(always)]
pub(super) fn output<T: Element>(
    products: &[T],
    product_len: usize,
    columns: usize,
    out: &mut [T],
    target: Target,
) {
    for column in 0..columns {
        let width = STEP.min(target.width - column * STEP);
        for half in 0..COLUMNS / 8 {
            let channels = target.channels.saturating_sub(8 * half).min(8);
            if channels == 0 {
                continue;
            }
            let from = &products[column * COLUMNS + 8 * half..];
            let to = &mut out[column * STEP * target.pixel_len + 8 * half..];
            let tile = output_lanes::<T>(from, product_len);
            for (y, row) in tile.iter().enumerate().take(target.rows) {
                for (x, lanes) in row.iter().enumerate().take(width) {
                    let pixel = &mut to[y * target.row_len + x * target.pixel_len..][..channels];
                    if channels == 8 {
                        pixel.copy_from_slice(lanes);
                    } else {
                        pixel.copy_from_slice(&lanes[..channels]);
                    }
                }
            }
        }
    }
}

/// `A' m A` for eight outputs of one tile.
#[inline(always)]
fn output_lanes<T: Element>(products: &[T], product_len: usize) -> [[Lanes<T, 8>; STEP]; STEP] {
    let load = |product: usize| -> Lanes<T, 8> {
        let lanes = &products[product * product_len..][..8];
        std::array::from_fn(|lane| lanes[lane])
    };
    let mut columns = [[[T::ZERO; 8]; STEP]; SIDE];
    for (j, column) in columns.iter_mut().enumerate() {
        *column = back(std::array::from_fn(|i| load(i * SIDE + j)));
    }
    std::array::from_fn(|i| back(std::array::from_fn(|j| columns[j][i])))
}

// What the layouts above assume.
const _: () = assert!(PRODUCTS == 36 && COLUMNS == 16);
