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
//! What surrounds a convolution happens while a tile is in registers: un-pooling and scaling on the way in
//! ([`Source`]), scale, bias, rectifier, mask and pooling on the way out ([`Sink`]).
//!
//! Transformed filters are four times as large, so they are not kept: transforming them anew costs a few percent from
//! a hundred tiles on. Where they are small, all tasks share them, and every task takes its own tiles from input to
//! output. Where they are large, all tasks share a block of transformed tiles, and every task takes its own outputs,
//! for which it transforms the filters.

use rayon::prelude::*;

use crate::element::Element;
use crate::filters::Filters;
use crate::memory::Buffer;
use crate::product::{COLUMNS, Product};
use crate::shared::Shared;
use crate::simd::{Job, Lanes};

mod sink;
mod source;
mod transform;

pub(crate) use sink::{Pool, Sink, WinnerBits};
pub(crate) use source::Source;
use source::TransformTiles;

/// Outputs of a tile along one side.
const STEP: usize = 4;
/// Inputs of a tile along one side.
const SIDE: usize = STEP + 2;
/// Products of a tile.
const PRODUCTS: usize = SIDE * SIDE;
/// Outputs that are multiplied together: two panels.
const PAIR: usize = 2 * COLUMNS;

/// Fewer tiles than this are not worth transforming the filters.
const LEAST_TILES: usize = 4;
/// Fewer channels than this are mostly transforms.
const LEAST_CHANNELS: usize = 16;

/// Numbers of transformed filters up to which all tasks share them: they should stay in the cache of all cores.
const SHARED_FILTERS: usize = 36 * 129 * 128;
/// Numbers of a task's transformed tiles: half of a core's cache in f32.
const OWN_TILES_LEN: usize = 72 << 10;
const OWN_TILES: std::ops::RangeInclusive<usize> = 12..=48;
/// Numbers of a block of transformed tiles that all tasks share.
const BLOCK_LEN: usize = 2 << 20;
/// Tiles of such a block that are multiplied at once.
const PART_TILES: usize = 48;
/// Tiles that a task transforms at once.
const CHUNK_TILES: usize = 8;

/// The place of a tile: its image, and its row and column of tiles.
#[derive(Clone, Copy)]
struct Place {
    n: usize,
    y: usize,
    x: usize,
}

/// How the outputs of a batch are cut into tiles.
#[derive(Clone, Copy)]
struct Grid {
    rows: usize,
    columns: usize,
    tiles: usize,
}

impl Grid {
    fn new(n: usize, [h, w]: [usize; 2]) -> Self {
        let (rows, columns) = (h.div_ceil(STEP), w.div_ceil(STEP));
        Self { rows, columns, tiles: n * rows * columns }
    }

    #[inline(always)]
    fn place(self, tile: usize) -> Place {
        let row = tile / self.columns;
        Place { n: row / self.rows, y: row % self.rows, x: tile % self.columns }
    }
}

/// Whether a convolution of this kind gains from it: decided by shapes alone.
///
/// `kernel` is its height and width, `inputs` its channels, `size` the height and width of its outputs.
pub(crate) fn is_worthwhile(
    kernel: [usize; 2],
    stride: usize,
    inputs: usize,
    n: usize,
    size: [usize; 2],
) -> bool {
    kernel == [3, 3] && stride == 1 && inputs >= LEAST_CHANNELS && Grid::new(n, size).tiles >= LEAST_TILES
}

/// Convolves `source` with `filters`, 3x3 and of stride 1, into `sink`.
pub(crate) fn convolve<T: Element>(source: &Source<'_, T>, filters: &Filters<T>, sink: &Sink<'_, T>) {
    let work = Work {
        source,
        filters,
        sink,
        grid: Grid::new(sink.n, sink.size),
        // Rows a cache line further apart than a power of two: else they would compete for the same places of a cache.
        row_len: filters.inputs.next_multiple_of(COLUMNS) + COLUMNS,
    };
    if work.transformed_len(filters.outputs.div_ceil(COLUMNS)) <= SHARED_FILTERS {
        work.by_tiles();
    } else {
        work.by_outputs();
    }
}

struct Work<'a, T> {
    source: &'a Source<'a, T>,
    filters: &'a Filters<T>,
    sink: &'a Sink<'a, T>,
    grid: Grid,
    /// Numbers of a transformed tile's products: its channels and some room.
    row_len: usize,
}

impl<T: Element> Work<'_, T> {
    /// Numbers of so many transformed panels.
    fn transformed_len(&self, panels: usize) -> usize {
        panels * PRODUCTS * filter_len(self.filters.inputs)
    }

    /// Numbers of one product of transformed tiles: `[tiles][row_len]`.
    fn product_len(&self, tiles: usize) -> usize {
        tiles * self.row_len + COLUMNS
    }

    /// Every task makes some tiles from input to output.
    fn by_tiles(&self) {
        let panel_len = self.transformed_len(1);
        let panels = self.filters.outputs.div_ceil(COLUMNS);
        let mut transformed = Buffer::new(panels * panel_len);
        transformed.par_chunks_exact_mut(panel_len).enumerate().for_each(|(panel, to)| {
            T::run(TransformFilters { filters: self.filters, panel, to });
        });
        let most = (OWN_TILES_LEN / (PRODUCTS * self.row_len)).clamp(*OWN_TILES.start(), *OWN_TILES.end());
        let tasks = self.grid.tiles.div_ceil(most);
        (0..tasks).into_par_iter().for_each(|task| {
            let first = task * self.grid.tiles / tasks;
            let count = (task + 1) * self.grid.tiles / tasks - first;
            let tiles_len = PRODUCTS * self.product_len(count);
            T::with_scratch(tiles_len + products_len(count), |scratch| {
                let (tiles, products) = scratch.split_at_mut(tiles_len);
                T::run(OwnTiles { work: self, transformed: &transformed, first, count, tiles, products });
            });
        });
    }

    /// Blocks of tiles, one after the other; every task makes some outputs of a block.
    fn by_outputs(&self) {
        let most = (BLOCK_LEN / (PRODUCTS * self.row_len)).max(PART_TILES);
        let blocks = self.grid.tiles.div_ceil(most);
        let mut buffer = Buffer::new(PRODUCTS * self.product_len(self.grid.tiles.min(most)));
        for block in 0..blocks {
            let first = block * self.grid.tiles / blocks;
            let count = (block + 1) * self.grid.tiles / blocks - first;
            let product_len = self.product_len(count);
            let tiles = Shared::new(&mut buffer[..PRODUCTS * product_len]);
            (0..count.div_ceil(CHUNK_TILES)).into_par_iter().for_each(|chunk| {
                let start = chunk * CHUNK_TILES;
                // The rows of a chunk of every product; the chunks' rows lie between each other's.
                let to = tiles.at(start * self.row_len, (PRODUCTS - 1) * product_len);
                let (first, count) = (first + start, CHUNK_TILES.min(count - start));
                let (source, grid, row_len) = (self.source, self.grid, self.row_len);
                // SAFETY: no other task transforms these tiles.
                T::run(unsafe {
                    TransformTiles::new(source, grid, [first, count], to, [product_len, row_len])
                });
            });
            let tiles = &buffer[..PRODUCTS * product_len];
            (0..self.filters.outputs.div_ceil(PAIR)).into_par_iter().for_each(|pair| {
                let panels = (self.filters.outputs.div_ceil(COLUMNS) - 2 * pair).min(2);
                let transformed_len = self.transformed_len(panels);
                T::with_scratch(transformed_len + products_len(PART_TILES), |scratch| {
                    let (transformed, products) = scratch.split_at_mut(transformed_len);
                    T::run(OwnOutputs { work: self, pair, first, count, tiles, transformed, products });
                });
            });
        }
    }

    /// Multiplies `count` tiles, the first of which is `tile`, by a pair of panels, and writes their outputs.
    ///
    /// # Safety
    ///
    /// `tiles` leads to the first of these tiles in products of `product_len` numbers, and nobody else writes their
    /// outputs of this pair.
    #[inline(always)]
    unsafe fn multiply<V: Lanes<Element = T>>(
        &self,
        [tile, count]: [usize; 2],
        pair: usize,
        tiles: *const T,
        product_len: usize,
        transformed: &[T],
        products: &mut [T],
    ) {
        let depth = self.filters.inputs;
        let panel_len = PRODUCTS * filter_len(depth);
        let columns = (transformed.len() / panel_len).min(2) * COLUMNS;
        let products_len = products_len(count) / PRODUCTS;
        assert!(products.len() >= PRODUCTS * products_len);
        for product in 0..PRODUCTS {
            // SAFETY: the tiles are the caller's, `transformed` holds whole panels of 36 products, and `products` has
            // room for 36 times the tiles' pairs.
            unsafe {
                Product {
                    lhs: tiles.add(product * product_len),
                    lhs_stride: self.row_len,
                    rows: count,
                    depth,
                    rhs: transformed.as_ptr().add(product * filter_len(depth)),
                    panel_len,
                    out: products.as_mut_ptr().add(product * products_len),
                    out_stride: PAIR,
                    columns,
                    accumulate: false,
                }
                .compute::<V>();
            }
        }
        let channels = columns.min(self.filters.outputs - pair * PAIR);
        for index in 0..count {
            let place = self.grid.place(tile + index);
            for channel in (0..channels).step_by(V::WIDTH) {
                // SAFETY: 36 products of this tile and these columns were just computed; the outputs are the caller's.
                unsafe {
                    let from = products.as_ptr().add(index * PAIR + channel);
                    let (outputs, largest) =
                        transform::output::<V>(from, products_len, self.sink.pool.is_some());
                    self.sink.write(place, pair * PAIR + channel, &outputs, largest);
                }
            }
        }
    }
}

// The 36 products of a tile or a filter are written one after the other. A power of two apart they would compete for the
// same places of a cache, so there is a cache line between them.

/// Numbers of the products of `tiles` tiles and a pair of panels: `[36][tiles][32]`.
fn products_len(tiles: usize) -> usize {
    PRODUCTS * (tiles * PAIR + COLUMNS)
}

/// Numbers of one product of a panel of filters: `[inputs][16]`.
fn filter_len(inputs: usize) -> usize {
    inputs * COLUMNS + COLUMNS
}

/// Transforms a panel of filters: `[36][inputs][16]`, with room behind each product.
struct TransformFilters<'a, T> {
    filters: &'a Filters<T>,
    panel: usize,
    to: &'a mut [T],
}

impl<T: Element> Job<T> for TransformFilters<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let inputs = self.filters.inputs;
        assert_eq!(self.to.len(), PRODUCTS * filter_len(inputs));
        let rows = [0, 1, 2].map(|v| self.filters.panel(v, self.panel));
        for row in rows {
            assert_eq!(row.len(), 3 * inputs * COLUMNS);
        }
        for input in 0..inputs {
            for lane in (0..COLUMNS).step_by(V::WIDTH) {
                let mut taps = [[V::splat(T::ZERO); 3]; 3];
                for (taps, row) in taps.iter_mut().zip(rows) {
                    for (u, tap) in taps.iter_mut().enumerate() {
                        // SAFETY: a row holds three taps of `inputs` times 16 numbers.
                        *tap = unsafe { V::load(row.as_ptr().add((u * inputs + input) * COLUMNS + lane)) };
                    }
                }
                // SAFETY: `to` holds 36 products of more than `inputs` times 16 numbers.
                unsafe {
                    let to = self.to.as_mut_ptr().add(input * COLUMNS + lane);
                    transform::filter(taps, to, filter_len(inputs));
                }
            }
        }
    }
}

/// All outputs of some tiles.
struct OwnTiles<'a, T> {
    work: &'a Work<'a, T>,
    transformed: &'a [T],
    first: usize,
    count: usize,
    tiles: &'a mut [T],
    products: &'a mut [T],
}

impl<T: Element> Job<T> for OwnTiles<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Work { source, grid, row_len, .. } = *self.work;
        let (first, count) = (self.first, self.count);
        let product_len = self.work.product_len(count);
        assert!(self.tiles.len() >= PRODUCTS * product_len);
        let to = self.tiles.as_mut_ptr();
        // SAFETY: the tiles are this task's alone, and there is room for 36 products of all of them.
        unsafe { TransformTiles::new(source, grid, [first, count], to, [product_len, row_len]) }.run::<V>();
        let pair_len = 2 * self.work.transformed_len(1);
        for (pair, transformed) in self.transformed.chunks(pair_len).enumerate() {
            // SAFETY: the tiles are this task's alone.
            unsafe {
                self.work.multiply::<V>([first, count], pair, to, product_len, transformed, self.products);
            }
        }
    }
}

/// A pair of panels' outputs of all tiles of a block.
struct OwnOutputs<'a, T> {
    work: &'a Work<'a, T>,
    pair: usize,
    first: usize,
    count: usize,
    tiles: &'a [T],
    transformed: &'a mut [T],
    products: &'a mut [T],
}

impl<T: Element> Job<T> for OwnOutputs<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Work { filters, row_len, .. } = *self.work;
        let product_len = self.work.product_len(self.count);
        assert!(self.tiles.len() >= PRODUCTS * product_len);
        for (panel, to) in self.transformed.chunks_exact_mut(self.work.transformed_len(1)).enumerate() {
            TransformFilters { filters, panel: 2 * self.pair + panel, to }.run::<V>();
        }
        let parts = self.count.div_ceil(PART_TILES);
        for part in 0..parts {
            let start = part * self.count / parts;
            let count = (part + 1) * self.count / parts - start;
            let tile = self.first + start;
            // SAFETY: the block holds `count` tiles from `start` on, and the pair's outputs are this task's alone.
            unsafe {
                let tiles = self.tiles.as_ptr().add(start * row_len);
                let (transformed, products) = (&*self.transformed, &mut *self.products);
                self.work.multiply::<V>([tile, count], self.pair, tiles, product_len, transformed, products);
            }
        }
    }
}
