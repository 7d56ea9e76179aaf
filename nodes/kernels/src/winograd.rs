//! 3x3 convolutions of stride 1 with a quarter of the multiplications.
//!
//! Winograd's minimal filtering F(4x4, 3x3) (Lavin & Gray, arXiv:1509.09308): tiles of 4x4 outputs are made of tiles of
//! 6x6 inputs that overlap by two. Transformed, a tile is 36 numbers per channel, and the convolution is 36 independent
//! matrix products over channels:
//!
//! ```text
//! out = A' [ (G w G') . (B' in B) ] A        36 products per tile, input and output instead of 144
//! ```
//!
//! The interpolation points are 0, ±1/sqrt(2), ±sqrt(2) and infinity, which keep the rounding of f32 near that of
//! the direct sum (a few 1e-6 of the largest value).
//!
//! Where the transformed filters fit into a core's cache every task does its own tiles from input to output. Where they
//! do not, a block of tiles is transformed first, and the products are cut by outputs, so that filters are read once per
//! block.

use rayon::prelude::*;

use crate::activation::{Activation, View};
use crate::convolution::{Window, finish, scale_pixels};
use crate::element::Element;
use crate::filters::Filters;
use crate::tile::{COLUMNS, ROWS, Tile};

mod transform;
#[cfg(target_arch = "x86_64")]
mod transform_avx2;

pub(crate) use transform::Transforms;

/// Outputs of a tile along one side.
const STEP: usize = 4;
/// Inputs of a tile along one side.
const SIDE: usize = STEP + 2;
/// Products of a tile.
const PRODUCTS: usize = SIDE * SIDE;

/// Fewer tiles than this are not worth reading four times as many filters.
const LEAST_TILES: usize = 16;
/// Fewer channels than this are mostly transforms.
const LEAST_CHANNELS: usize = 16;
/// Numbers of transformed filters up to which every task reads them on its own: half of a megabyte of cache.
const PRIVATE_FILTERS: usize = 1 << 17;
/// Numbers of transformed tiles and products of a task, and of a block that all tasks share.
const PRIVATE_LEN: usize = 1 << 17;
const SHARED_LEN: usize = 1 << 22;
/// Depth of a slice of a product: 256 x 16 filters are 16 KiB, half of an L1 cache.
const SLICE_DEPTH: usize = 256;

/// Filters in the transformed domain: `[outputs / 16][36][inputs][16]`.
pub(crate) struct Winograd<T> {
    inputs: usize,
    outputs: usize,
    data: Vec<T>,
}

/// Whether a convolution of this kind gains from it: decided by shapes alone.
pub(crate) fn is_worthwhile<T: Element>(filters: &Filters<T>, stride: usize, [h, w]: [usize; 2]) -> bool {
    (filters.kh, filters.kw, stride) == (3, 3, 1)
        && filters.inputs.min(filters.outputs) >= LEAST_CHANNELS
        && h.div_ceil(STEP) * w.div_ceil(STEP) >= LEAST_TILES
}

impl<T: Element> Winograd<T> {
    pub(crate) fn new(filters: &Filters<T>) -> Self {
        let Filters { inputs, outputs, .. } = *filters;
        let mut data = vec![T::ZERO; outputs.div_ceil(COLUMNS) * PRODUCTS * inputs * COLUMNS];
        data.par_chunks_mut(PRODUCTS * inputs * COLUMNS).enumerate().for_each(|(panel, data)| {
            let columns = COLUMNS.min(outputs - panel * COLUMNS);
            for input in 0..inputs {
                for column in 0..columns {
                    let kernel = [0, 1, 2].map(|v| {
                        [0, 1, 2].map(|u| filters.weight(panel * COLUMNS + column, input, v, u).to_f64())
                    });
                    for (product, value) in transform::filter(kernel).as_flattened().iter().enumerate() {
                        data[(product * inputs + input) * COLUMNS + column] = T::from_f64(*value);
                    }
                }
            }
        });
        Self { inputs, outputs, data }
    }

    fn panels(&self) -> usize {
        self.outputs.div_ceil(COLUMNS)
    }

    /// `[inputs, 16]` of one product.
    fn panel(&self, panel: usize, product: usize) -> &[T] {
        let len = self.inputs * COLUMNS;
        &self.data[(panel * PRODUCTS + product) * len..][..len]
    }

    /// The same as the direct convolution with these filters and a stride of 1.
    pub(crate) fn correlate(&self, map: View<'_, T>, window: &Window<'_, T>) -> Activation<T> {
        let grow = |size| size + 2 * window.padding.amount - 2;
        let mut out = Activation::zeros([map.n, self.outputs, grow(map.h), grow(map.w)]);
        let grid = Grid::new(&out, map.c);
        let image_len = out.image_len();
        for (n, image) in out.data.chunks_exact_mut(image_len).enumerate() {
            let input = Input {
                image: &map.data[n * map.image_len()..][..map.image_len()],
                map,
                window,
                scale: window.input_scale.map(|scale| &scale[n * map.c..][..map.c]),
            };
            let output_scale = window.output_scale.map(|scale| &scale[n * self.outputs..][..self.outputs]);
            if self.data.len() <= PRIVATE_FILTERS {
                self.privately(&input, &grid, output_scale, image);
            } else {
                self.together(&input, &grid, output_scale, image);
            }
        }
        out
    }

    /// Every task makes rows of tiles from input to output, a few tiles at a time.
    fn privately(&self, input: &Input<'_, T>, grid: &Grid, scale: Option<&[T]>, image: &mut [T]) {
        let columns = grid.even(PRIVATE_LEN, 1);
        let strips = image.par_chunks_mut(STEP * grid.row_len).enumerate();
        strips.for_each_init(Scratch::default, |scratch, (row, out)| {
            input.write_rows(row, grid, &mut scratch.rows);
            for first in (0..grid.columns).step_by(columns) {
                let columns = columns.min(grid.columns - first);
                scratch.tiles.resize(PRODUCTS * columns * grid.inputs, T::ZERO);
                grid.transform(&scratch.rows, first, columns, &mut scratch.tiles);
                scratch.products.resize(PRODUCTS * columns * COLUMNS, T::ZERO);
                for panel in 0..self.panels() {
                    for (product, to) in scratch.products.chunks_exact_mut(columns * COLUMNS).enumerate() {
                        self.multiply(panel, product, &scratch.tiles, columns, to);
                    }
                    let part = Part { row: 0, columns, first, panel };
                    grid.untransform(&scratch.products, columns, part, out);
                }
            }
            finish(out, scale, input.window);
        });
    }

    /// Blocks of rows of tiles, one after the other; all tasks transform one, multiply it, and transform it back.
    fn together(&self, input: &Input<'_, T>, grid: &Grid, scale: Option<&[T]>, image: &mut [T]) {
        let rows = (grid.even(SHARED_LEN, grid.columns) / grid.columns).max(1);
        let row_len = PRODUCTS * grid.columns * grid.inputs;
        let (mut tiles, mut products) = (Vec::new(), Vec::new());
        for (block, image) in image.chunks_mut(rows * STEP * grid.row_len).enumerate() {
            let rows_here = (image.len() / grid.row_len).div_ceil(STEP);
            let count = rows_here * grid.columns;
            tiles.resize(rows_here * row_len, T::ZERO);
            tiles.par_chunks_mut(row_len).enumerate().for_each_init(Vec::new, |scratch, (row, tiles)| {
                input.write_rows(block * rows + row, grid, scratch);
                grid.transform(scratch, 0, grid.columns, tiles);
            });
            products.resize(PRODUCTS * self.panels() * count * COLUMNS, T::ZERO);
            products.par_chunks_mut(count * COLUMNS).enumerate().for_each(|(index, to)| {
                let (panel, product) = (index / PRODUCTS, index % PRODUCTS);
                let rows = tiles.chunks_exact(row_len).zip(to.chunks_exact_mut(grid.columns * COLUMNS));
                rows.for_each(|(tiles, to)| self.multiply(panel, product, tiles, grid.columns, to));
            });
            image.par_chunks_mut(STEP * grid.row_len).enumerate().for_each(|(row, out)| {
                for panel in 0..self.panels() {
                    let part = Part { row, columns: grid.columns, first: 0, panel };
                    let products = &products[panel * PRODUCTS * count * COLUMNS..];
                    grid.untransform(products, count, part, out);
                }
                finish(out, scale, input.window);
            });
        }
    }

    /// `to[columns, 16] = tiles[product][columns, inputs] * filters[panel][product][inputs, 16]`.
    fn multiply(&self, panel: usize, product: usize, tiles: &[T], columns: usize, to: &mut [T]) {
        let kernel = T::tile_kernel();
        let (depth, rhs) = (self.inputs, self.panel(panel, product));
        let tiles = &tiles[product * columns * depth..][..columns * depth];
        let slice = depth.div_ceil(depth.div_ceil(SLICE_DEPTH));
        for start in (0..depth).step_by(slice) {
            let end = depth.min(start + slice);
            // As few and as even groups of rows as can be: one of two rows takes as long as one of four.
            let groups = columns.div_ceil(ROWS);
            for group in 0..groups {
                let first = group * columns / groups;
                kernel(Tile {
                    lhs: &tiles[first * depth + start..],
                    lhs_stride: depth,
                    rhs: &rhs[start * COLUMNS..end * COLUMNS],
                    out: &mut to[first * COLUMNS..],
                    out_stride: COLUMNS,
                    rows: (group + 1) * columns / groups - first,
                    columns: COLUMNS,
                    overwrite: start == 0,
                });
            }
        }
    }
}

/// A task's memory, kept from one strip to the next.
struct Scratch<T> {
    rows: Vec<T>,
    tiles: Vec<T>,
    products: Vec<T>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), tiles: Vec::new(), products: Vec::new() }
    }
}

/// One image on its way in.
struct Input<'a, T> {
    image: &'a [T],
    map: View<'a, T>,
    window: &'a Window<'a, T>,
    scale: Option<&'a [T]>,
}

impl<T: Element> Input<'_, T> {
    /// The padded rows that a row of tiles reads, each as long as its tiles are.
    fn write_rows(&self, row: usize, grid: &Grid, to: &mut Vec<T>) {
        let pitch = (grid.columns * STEP + 2) * grid.inputs;
        to.resize(SIDE * pitch, T::ZERO);
        let size = [self.map.h, self.map.w, self.map.c];
        self.window.padding.write_rows(size, self.image, row * STEP, pitch, to);
        scale_pixels(to, self.scale);
    }
}

/// How an image is cut into tiles.
struct Grid {
    /// Tiles side by side.
    columns: usize,
    inputs: usize,
    outputs: usize,
    /// Pixels of an output row, and its numbers.
    width: usize,
    row_len: usize,
}

/// Some tiles of a row, and 16 of their outputs.
struct Part {
    /// The row of tiles within its block.
    row: usize,
    columns: usize,
    /// The first tile's place in its row.
    first: usize,
    panel: usize,
}

impl Grid {
    fn new<T>(out: &Activation<T>, inputs: usize) -> Self {
        Self { columns: out.w.div_ceil(STEP), inputs, outputs: out.c, width: out.w, row_len: out.w * out.c }
    }

    /// How many tiles to do at once so that they and their products are at most `len` numbers, in even parts of
    /// a row of tiles, and at least `least`.
    fn even(&self, len: usize, least: usize) -> usize {
        let most = (len / (PRODUCTS * (self.inputs + self.outputs))).max(least);
        if most >= self.columns { most } else { self.columns.div_ceil(self.columns.div_ceil(most)) }
    }

    /// Transforms `columns` tiles from `first` on: `[36][columns][inputs]`.
    fn transform<T: Element>(&self, rows: &[T], first: usize, columns: usize, tiles: &mut [T]) {
        let pitch = (self.columns * STEP + 2) * self.inputs;
        (T::transforms().input)(&rows[first * STEP * self.inputs..], pitch, [columns, self.inputs], tiles);
    }

    /// Writes the outputs of a part of a block of `count` tiles to their row of tiles.
    fn untransform<T: Element>(&self, products: &[T], count: usize, part: Part, out: &mut [T]) {
        let channel = part.panel * COLUMNS;
        let from = part.first * STEP;
        let target = transform::Target {
            row_len: self.row_len,
            pixel_len: self.outputs,
            rows: out.len() / self.row_len,
            width: self.width - from,
            channels: COLUMNS.min(self.outputs - channel),
        };
        let products = &products[part.row * part.columns * COLUMNS..];
        (T::transforms().output)(
            products,
            count * COLUMNS,
            part.columns,
            &mut out[from * self.outputs + channel..],
            target,
        );
    }
}
