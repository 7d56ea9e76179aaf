//! 3x3 convolutions with a fraction of the multiplications.
//!
//! Winograd's minimal filtering (Lavin & Gray, arXiv:1509.09308): tiles of outputs are made of tiles of inputs that
//! overlap. Transformed, a tile is its values at some points per channel, and the convolution is an independent matrix
//! product over channels for each of these points:
//!
//! ```text
//! out = A' [ (G w G') . (B' in B) ] A
//! ```
//!
//! | [`scheme`] | convolution | multiplications | instead of |
//! |---|---|---|---|
//! | `Small` | stride 1, F(4x4, 3x3) | 36 for 16 outputs | 144 |
//! | `Large` | stride 1, F(6x6, 3x3), for gradients | 64 for 36 outputs | 324 |
//! | `Enlarging` | transposed, stride 2 | 81 for 64 outputs | 144 |
//! | `Halving` | stride 2 | 81 for 16 outputs | 144 |
//!
//! Fused operations happen while a tile is in registers: un-pooling and scaling of inputs ([`Source`]),
//! scale, noise, bias, rectifier, clamp, mask and pooling of outputs ([`Sink`]).
//!
//! Transformed filters are four to seven times as large, so they are not kept: transforming them in every
//! call costs a few percent from a hundred tiles. Small ones are shared by all tasks, and every task takes
//! its own tiles from input to output. For large ones, all tasks share a block of transformed tiles, and
//! every task computes its own outputs, for which it transforms the filters.

use std::marker::PhantomData;

use rayon::prelude::*;

use crate::element::Element;
use crate::filters::Filters;
use crate::memory::Buffer;
use crate::product::{COLUMNS, Product};
use crate::shared::Shared;
use crate::simd::{Job, Lanes};

mod halves;
mod large;
mod plane;
mod scheme;
mod sink;
mod small;
mod source;

use scheme::{Enlarging, Halving, Large, Scheme, Small};
pub(crate) use sink::{Pool, Sink, WinnerBits};
pub(crate) use source::Source;
use source::TransformTiles;

/// Outputs that are multiplied together: two panels.
const PAIR: usize = 2 * COLUMNS;

/// Evaluation points of the largest tile.
const MOST_POINTS: usize = 81;
/// Fewer tiles than this do not pay for transforming the filters.
const LEAST_TILES: usize = 4;
/// Fewer tiles of 6x6 outputs than this do not pay for their filters.
const LEAST_LARGE_TILES: usize = 64;
/// With fewer channels the transforms dominate.
const LEAST_CHANNELS: usize = 16;

/// Length of transformed filters up to which all tasks share them: they should stay in the cache of all
/// cores.
const SHARED_FILTERS: usize = 36 * 129 * 128;
/// Length of a task's transformed tiles: half of a core's cache in f32.
const OWN_TILES_LEN: usize = 72 << 10;
/// Bounds of the number of these tiles.
const OWN_TILES: std::ops::RangeInclusive<usize> = 12..=48;
/// Length of a block of transformed tiles that all tasks share.
const BLOCK_LEN: usize = 2 << 20;
/// What such a block is given at least: there is some room behind each point.
const BLOCK_CAPACITY: usize = BLOCK_LEN + MOST_POINTS * COLUMNS;
/// Length of the products of such a block that are computed at once: half of a core's cache in f32.
const PART_LEN: usize = 56 << 10;
/// Tiles that a task transforms at once.
const CHUNK_TILES: usize = 8;

/// The position of a tile: its image, and its row and column of tiles.
#[derive(Clone, Copy)]
struct Place {
    n: usize,
    y: usize,
    x: usize,
}

/// How the outputs of a batch are split into tiles.
#[derive(Clone, Copy)]
struct Grid {
    rows: usize,
    columns: usize,
    tiles: usize,
}

impl Grid {
    fn new<S: Scheme>(n: usize, [h, w]: [usize; 2]) -> Self {
        let (rows, columns) = (h.div_ceil(S::OUTPUTS), w.div_ceil(S::OUTPUTS));
        Self { rows, columns, tiles: n * rows * columns }
    }

    #[inline(always)]
    fn place(self, tile: usize) -> Place {
        let row = tile / self.columns;
        Place { n: row / self.rows, y: row % self.rows, x: tile % self.columns }
    }
}

/// Whether a convolution gains from this algorithm: decided by the shapes of one image, so that images of a
/// batch give the same results as alone.
///
/// `kernel` is its height and width, `inputs` its channels, `size` the height and width of its outputs.
pub(crate) fn is_worthwhile(kernel: [usize; 2], stride: usize, inputs: usize, size: [usize; 2]) -> bool {
    kernel == [3, 3]
        && stride == 1
        && inputs >= LEAST_CHANNELS
        && Grid::new::<Small>(1, size).tiles >= LEAST_TILES
}

/// How large rounding errors a convolution may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// A few 1e-6 of the largest value: for forward passes. Errors of layers accumulate, and decide how ties
    /// of pools and zeros of rectifiers resolve.
    Fine,
    /// Up to 1e-5 of the largest value: for gradients, whose values decide nothing.
    Coarse,
}

/// Convolves `source` with `filters`, 3x3 and of stride 1, into `sink`.
pub(crate) fn convolve<T: Element>(
    source: &Source<'_, T>,
    filters: &Filters<T>,
    sink: &Sink<'_, T>,
    rounding: Rounding,
) {
    if rounding == Rounding::Coarse && is_large(sink.size) {
        run::<T, Large>(source, filters, sink);
    } else {
        run::<T, Small>(source, filters, sink);
    }
}

/// Whether tiles of 6x6 outputs take fewer multiplications, including those beyond the edges, and an image
/// has enough of them to pay for filters that are almost twice as large.
fn is_large(size: [usize; 2]) -> bool {
    let (small, large) = (Grid::new::<Small>(1, size).tiles, Grid::new::<Large>(1, size).tiles);
    large >= LEAST_LARGE_TILES && large * Large::POINTS * 20 <= small * Small::POINTS * 19
}

/// Whether [`enlarge`] and [`halve`] gain from tiles, between maps of height and width `size` and those of
/// twice the size plus one.
pub(crate) fn is_worthwhile_between(inputs: usize, size: [usize; 2]) -> bool {
    // Tiles compute outputs beyond the edges in vain: on small maps that exceeds the gain.
    let tiles = Grid::new::<Enlarging>(1, size.map(|size| 2 * size + 1)).tiles;
    inputs >= LEAST_CHANNELS && tiles * Enlarging::POINTS * 5 <= size[0] * size[1] * 9 * 4
}

/// The transposed convolution of stride 2 with `filters`, 3x3: `y[2 p + v, 2 q + u] += w[v, u] x[p, q]`.
pub(crate) fn enlarge<T: Element>(source: &Source<'_, T>, filters: &Filters<T>, sink: &Sink<'_, T>) {
    run::<T, Enlarging>(source, filters, sink);
}

/// The convolution of stride 2 with `filters`, 3x3.
pub(crate) fn halve<T: Element>(source: &Source<'_, T>, filters: &Filters<T>, sink: &Sink<'_, T>) {
    run::<T, Halving>(source, filters, sink);
}

fn run<T: Element, S: Scheme>(source: &Source<'_, T>, filters: &Filters<T>, sink: &Sink<'_, T>) {
    let work = Work::<T, S> {
        source,
        filters,
        sink,
        grid: Grid::new::<S>(sink.n, sink.size),
        // Rows are a power of two plus a cache line apart: otherwise they would compete for the same sets of
        // a cache.
        row_len: filters.inputs.next_multiple_of(COLUMNS) + COLUMNS,
        scheme: PhantomData,
    };
    if work.transformed_len(filters.outputs.div_ceil(COLUMNS)) <= SHARED_FILTERS {
        work.by_tiles();
    } else {
        work.by_outputs();
    }
}

struct Work<'a, T, S> {
    source: &'a Source<'a, T>,
    filters: &'a Filters<T>,
    sink: &'a Sink<'a, T>,
    grid: Grid,
    /// Numbers of one point of a transformed tile: its channels and some room.
    row_len: usize,
    scheme: PhantomData<S>,
}

impl<T: Element, S: Scheme> Work<'_, T, S> {
    /// Length of `panels` transformed panels.
    fn transformed_len(&self, panels: usize) -> usize {
        panels * S::FILTERS * filter_len(self.filters.inputs)
    }

    /// Numbers of one point of transformed tiles: `[tiles][row_len]`.
    fn point_len(&self, tiles: usize) -> usize {
        tiles * self.row_len + COLUMNS
    }

    /// Every task takes its own tiles from input to output.
    fn by_tiles(&self) {
        let panel_len = self.transformed_len(1);
        let panels = self.filters.outputs.div_ceil(COLUMNS);
        let mut transformed = Buffer::new(panels * panel_len);
        transformed.par_chunks_exact_mut(panel_len).enumerate().for_each(|(panel, to)| {
            T::run(TransformFilters::<T, S> { filters: self.filters, panel, to, scheme: PhantomData });
        });
        let most = (OWN_TILES_LEN / (S::POINTS * self.row_len)).clamp(*OWN_TILES.start(), *OWN_TILES.end());
        let tasks = self.grid.tiles.div_ceil(most);
        (0..tasks).into_par_iter().for_each(|task| {
            let first = task * self.grid.tiles / tasks;
            let count = (task + 1) * self.grid.tiles / tasks - first;
            let tiles_len = S::POINTS * self.point_len(count);
            T::with_scratch(tiles_len + products_len::<S>(count), |scratch| {
                let (tiles, products) = scratch.split_at_mut(tiles_len);
                T::run(OwnTiles { work: self, transformed: &transformed, first, count, tiles, products });
            });
        });
    }

    /// Blocks of tiles, one after the other; every task computes some outputs of a block.
    fn by_outputs(&self) {
        let most = (BLOCK_LEN / (S::POINTS * self.row_len)).max(part_tiles::<S>());
        let blocks = self.grid.tiles.div_ceil(most);
        // All of one size, so that the next layer can reuse it.
        let mut buffer =
            Buffer::new((S::POINTS * self.point_len(self.grid.tiles.min(most))).max(BLOCK_CAPACITY));
        for block in 0..blocks {
            let first = block * self.grid.tiles / blocks;
            let count = (block + 1) * self.grid.tiles / blocks - first;
            let point_len = self.point_len(count);
            let tiles = Shared::new(&mut buffer[..S::POINTS * point_len]);
            (0..count.div_ceil(CHUNK_TILES)).into_par_iter().for_each(|chunk| {
                let start = chunk * CHUNK_TILES;
                // The rows of a chunk of every point; the chunks' rows lie between each other's.
                let to = tiles.at(start * self.row_len, (S::POINTS - 1) * point_len);
                let (first, count) = (first + start, CHUNK_TILES.min(count - start));
                let (source, grid, row_len) = (self.source, self.grid, self.row_len);
                // SAFETY: no other task transforms these tiles.
                T::run(unsafe {
                    TransformTiles::<T, S>::new(source, grid, [first, count], to, [point_len, row_len])
                });
            });
            let tiles = &buffer[..S::POINTS * point_len];
            (0..self.filters.outputs.div_ceil(PAIR)).into_par_iter().for_each(|pair| {
                let panels = (self.filters.outputs.div_ceil(COLUMNS) - 2 * pair).min(2);
                let transformed_len = self.transformed_len(panels);
                T::with_scratch(transformed_len + products_len::<S>(part_tiles::<S>()), |scratch| {
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
    /// `tiles` leads to the first of these tiles at points of `point_len` numbers, and nobody else writes their
    /// outputs of this pair.
    #[inline(always)]
    unsafe fn multiply<V: Lanes<Element = T>>(
        &self,
        [tile, count]: [usize; 2],
        pair: usize,
        tiles: *const T,
        point_len: usize,
        transformed: &[T],
        products: &mut [T],
    ) {
        let depth = self.filters.inputs;
        let panel_len = S::FILTERS * filter_len(depth);
        let columns = (transformed.len() / panel_len).min(2) * COLUMNS;
        let product_len = products_len::<S>(count) / S::POINTS;
        assert!(products.len() >= S::POINTS * product_len);
        for point in 0..S::POINTS {
            // SAFETY: the tiles belong to the caller, `transformed` holds whole panels of all filters, and
            // `products` has room for all products of the tiles' pairs.
            unsafe {
                Product {
                    lhs: tiles.add(point * point_len),
                    lhs_stride: self.row_len,
                    rows: count,
                    depth,
                    rhs: transformed.as_ptr().add(S::filter_of(point) * filter_len(depth)),
                    panel_len,
                    out: products.as_mut_ptr().add(point * product_len),
                    out_stride: PAIR,
                    columns,
                    accumulate: false,
                }
                .compute::<V>(S::SLICE_DEPTH);
            }
        }
        let channels = columns.min(self.filters.outputs - pair * PAIR);
        for index in 0..count {
            let place = self.grid.place(tile + index);
            for channel in (0..channels).step_by(V::WIDTH) {
                // SAFETY: all products of this tile and these columns were just computed; the outputs belong
                // to the caller.
                unsafe {
                    let from = products.as_ptr().add(index * PAIR + channel);
                    S::output::<V>(from, product_len, self.sink, place, pair * PAIR + channel);
                }
            }
        }
    }
}

// The points of a tile or a filter lie one after the other, and so do products. A power of two apart they would
// compete for the same places of a cache, so there is a cache line between them.

/// Tiles of a block that are multiplied at once.
fn part_tiles<S: Scheme>() -> usize {
    PART_LEN / (S::POINTS * PAIR)
}

/// Numbers of the matrix products of `tiles` tiles and a pair of panels: `[points][tiles][32]`.
fn products_len<S: Scheme>(tiles: usize) -> usize {
    S::POINTS * (tiles * PAIR + COLUMNS)
}

/// Numbers of one point of a panel of filters: `[inputs][16]`.
fn filter_len(inputs: usize) -> usize {
    inputs * COLUMNS + COLUMNS
}

/// Transforms a panel of filters: `[filters][inputs][16]`, with room behind each point.
struct TransformFilters<'a, T, S> {
    filters: &'a Filters<T>,
    panel: usize,
    to: &'a mut [T],
    scheme: PhantomData<S>,
}

impl<T: Element, S: Scheme> Job<T> for TransformFilters<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let inputs = self.filters.inputs;
        assert_eq!(self.to.len(), S::FILTERS * filter_len(inputs));
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
                // SAFETY: `to` holds all filters, each of more than `inputs` times 16 elements.
                unsafe {
                    let to = self.to.as_mut_ptr().add(input * COLUMNS + lane);
                    S::filter(taps, to, filter_len(inputs));
                }
            }
        }
    }
}

/// All outputs of some tiles.
struct OwnTiles<'a, T, S> {
    work: &'a Work<'a, T, S>,
    transformed: &'a [T],
    first: usize,
    count: usize,
    tiles: &'a mut [T],
    products: &'a mut [T],
}

impl<T: Element, S: Scheme> Job<T> for OwnTiles<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Work { source, grid, row_len, .. } = *self.work;
        let (first, count) = (self.first, self.count);
        let point_len = self.work.point_len(count);
        assert!(self.tiles.len() >= S::POINTS * point_len);
        let to = self.tiles.as_mut_ptr();
        // SAFETY: the tiles are this task's alone, and there is room for all of their points.
        unsafe { TransformTiles::<T, S>::new(source, grid, [first, count], to, [point_len, row_len]) }
            .run::<V>();
        let pair_len = 2 * self.work.transformed_len(1);
        for (pair, transformed) in self.transformed.chunks(pair_len).enumerate() {
            // SAFETY: the tiles belong to this task alone.
            unsafe {
                self.work.multiply::<V>([first, count], pair, to, point_len, transformed, self.products);
            }
        }
    }
}

/// A pair of panels' outputs of all tiles of a block.
struct OwnOutputs<'a, T, S> {
    work: &'a Work<'a, T, S>,
    pair: usize,
    first: usize,
    count: usize,
    tiles: &'a [T],
    transformed: &'a mut [T],
    products: &'a mut [T],
}

impl<T: Element, S: Scheme> Job<T> for OwnOutputs<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let Work { filters, row_len, .. } = *self.work;
        let point_len = self.work.point_len(self.count);
        assert!(self.tiles.len() >= S::POINTS * point_len);
        for (panel, to) in self.transformed.chunks_exact_mut(self.work.transformed_len(1)).enumerate() {
            TransformFilters::<T, S> { filters, panel: 2 * self.pair + panel, to, scheme: PhantomData }
                .run::<V>();
        }
        let parts = self.count.div_ceil(part_tiles::<S>());
        for part in 0..parts {
            let start = part * self.count / parts;
            let count = (part + 1) * self.count / parts - start;
            let tile = self.first + start;
            // SAFETY: the block holds `count` tiles from `start`, and the pair's outputs belong to this task
            // alone.
            unsafe {
                let tiles = self.tiles.as_ptr().add(start * row_len);
                let (transformed, products) = (&*self.transformed, &mut *self.products);
                self.work.multiply::<V>([tile, count], self.pair, tiles, point_len, transformed, products);
            }
        }
    }
}
