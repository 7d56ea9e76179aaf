//! Matrix products with sums in registers: most of the time is spent here.

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use crate::element::Element;
use crate::simd::Lanes;

/// Columns of a panel: the right-hand sides are stored as `[panels][depth][16]`.
pub(crate) const COLUMNS: usize = 16;

/// Depth of a slice: 256 x 16 f32 of a panel are 16 KiB, half of an L1 cache.
pub(crate) const SLICE_DEPTH: usize = 256;

/// `out[r, c] = sum_k lhs[r, k] * rhs[k, c]`, or `+=`.
#[derive(Clone, Copy)]
pub(crate) struct Product<T> {
    /// Row `r` starts at `r * lhs_stride`; rows may overlap.
    pub(crate) lhs: *const T,
    pub(crate) lhs_stride: usize,
    pub(crate) rows: usize,
    pub(crate) depth: usize,
    /// Column `c` of row `k` is stored at `c / 16 * panel_len + 16 k + c % 16`.
    pub(crate) rhs: *const T,
    pub(crate) panel_len: usize,
    /// Row `r` starts at `r * out_stride`.
    pub(crate) out: *mut T,
    pub(crate) out_stride: usize,
    pub(crate) columns: usize,
    /// Adds to `out` instead of overwriting it.
    pub(crate) accumulate: bool,
}

impl<T: Element> Product<T> {
    /// Depth is cut into slices of at most `slice_depth`, so that a slice of a panel stays in the L1 cache
    /// for all rows. Short slices also round less, because each is summed separately.
    ///
    /// # Safety
    ///
    /// The pointers are valid for as many elements as the sizes say (with the last panel of `rhs` padded to
    /// 16 columns), and nobody else uses those of `out`. `depth` is at least 1.
    #[inline(always)]
    pub(crate) unsafe fn compute<V: Lanes<Element = T>>(self, slice_depth: usize) {
        let slice = self.depth.div_ceil(self.depth.div_ceil(slice_depth));
        let mut start = 0;
        while start < self.depth {
            // SAFETY: `start` is less than the depth, so both stay inside.
            let (lhs, rhs) = unsafe { (self.lhs.add(start), self.rhs.add(start * COLUMNS)) };
            let depth = slice.min(self.depth - start);
            let part = Self { lhs, rhs, depth, accumulate: self.accumulate || start > 0, ..self };
            // SAFETY: a part of what the caller promises.
            unsafe { part.compute_slice::<V>() }
            start += slice;
        }
    }

    #[inline(always)]
    unsafe fn compute_slice<V: Lanes<Element = T>>(self) {
        let wide = 2 * V::WIDTH;
        // As few and as equal groups of rows as possible: one of two rows takes as long as one of four.
        let groups = self.rows.div_ceil(V::ROWS);
        let mut column = 0;
        while column < self.columns {
            for group in 0..groups {
                let first = group * self.rows / groups;
                // SAFETY: `first` and `column` are less than the rows and columns; `column` is a multiple of 16.
                unsafe {
                    Self {
                        lhs: self.lhs.add(first * self.lhs_stride),
                        rhs: self.rhs.add(column / COLUMNS * self.panel_len),
                        out: self.out.add(first * self.out_stride + column),
                        rows: (group + 1) * self.rows / groups - first,
                        columns: wide.min(self.columns - column),
                        ..self
                    }
                    .compute_tile::<V>();
                }
            }
            column += wide;
        }
    }

    /// At most `V::ROWS` rows by two vectors of columns, over the whole depth at once.
    ///
    /// # Safety
    ///
    /// As [`Product::compute`].
    #[inline(always)]
    pub(crate) unsafe fn compute_tile<V: Lanes<Element = T>>(self) {
        // SAFETY: the caller's promises.
        unsafe {
            if self.columns == 2 * V::WIDTH {
                self.rows::<V, 2>();
            } else if self.columns == V::WIDTH && V::WIDTH == COLUMNS {
                self.rows::<V, 1>();
            } else {
                self.narrow::<V>();
            }
        }
    }

    /// A tile of fewer columns than two vectors: through a local copy.
    #[inline(always)]
    unsafe fn narrow<V: Lanes<Element = T>>(self) {
        let mut sums = [T::ZERO; 14 * 2 * COLUMNS];
        let whole = Self { out: sums.as_mut_ptr(), out_stride: 2 * COLUMNS, accumulate: false, ..self };
        // SAFETY: a second panel exists only if it has columns; there is room for 14 rows of 32 sums.
        unsafe {
            if self.columns <= COLUMNS && V::WIDTH == COLUMNS {
                whole.rows::<V, 1>();
            } else {
                whole.rows::<V, 2>();
            }
        }
        for row in 0..self.rows {
            for column in 0..self.columns {
                // SAFETY: the numbers of `out` are the caller's.
                unsafe {
                    let to = self.out.add(row * self.out_stride + column);
                    let sum = sums[row * 2 * COLUMNS + column];
                    *to = if self.accumulate { *to + sum } else { sum };
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn rows<V: Lanes<Element = T>, const N: usize>(self) {
        // SAFETY: the caller's promises; the number of rows is that of the tile.
        unsafe {
            if V::ROWS > 6 {
                match self.rows {
                    7 => return self.tile::<V, 7, N>(),
                    8 => return self.tile::<V, 8, N>(),
                    9 => return self.tile::<V, 9, N>(),
                    10 => return self.tile::<V, 10, N>(),
                    11 => return self.tile::<V, 11, N>(),
                    12 => return self.tile::<V, 12, N>(),
                    13 => return self.tile::<V, 13, N>(),
                    14 => return self.tile::<V, 14, N>(),
                    _ => {}
                }
            }
            match self.rows {
                1 => self.tile::<V, 1, N>(),
                2 => self.tile::<V, 2, N>(),
                3 => self.tile::<V, 3, N>(),
                4 => self.tile::<V, 4, N>(),
                5 => self.tile::<V, 5, N>(),
                _ => self.tile::<V, 6, N>(),
            }
        }
    }

    /// `R` rows by `N` vectors of sums, in registers over the whole depth.
    #[inline(always)]
    unsafe fn tile<V: Lanes<Element = T>, const R: usize, const N: usize>(self) {
        let mut sums = [[V::splat(T::ZERO); N]; R];
        let mut k = 0;
        // Four steps at once share the rows' addresses.
        while k + 4 <= self.depth {
            // SAFETY: `k + 3` is less than the depth.
            unsafe {
                for step in 0..4 {
                    self.step::<V, R, N>(&mut sums, k, step);
                }
            }
            k += 4;
        }
        while k < self.depth {
            // SAFETY: `k` is less than the depth.
            unsafe { self.step::<V, R, N>(&mut sums, k, 0) };
            k += 1;
        }
        for row in 0..R {
            for vector in 0..N {
                // SAFETY: the tile has `R` rows of `N` vectors.
                unsafe {
                    let to = self.out.add(row * self.out_stride + vector * V::WIDTH);
                    let sum = sums[row][vector];
                    let sum = if self.accumulate { sum.add(V::load(to)) } else { sum };
                    sum.store(to);
                }
            }
        }
    }

    /// Adds the products of depth `k + step`.
    #[inline(always)]
    unsafe fn step<V: Lanes<Element = T>, const R: usize, const N: usize>(
        &self,
        sums: &mut [[V; N]; R],
        k: usize,
        step: usize,
    ) {
        let second = V::WIDTH / COLUMNS * self.panel_len + V::WIDTH % COLUMNS;
        // SAFETY: the caller's depth is inside, and there are `R` rows and `N` vectors of columns.
        unsafe {
            let rhs = self.rhs.add(k * COLUMNS).add(step * COLUMNS);
            let mut columns = [V::load(rhs); N];
            if N == 2 {
                columns[1] = V::load(rhs.add(second));
            }
            let lhs = self.lhs.add(k);
            for row in 0..R {
                let value = V::splat(*lhs.add(row * self.lhs_stride).add(step));
                for vector in 0..N {
                    sums[row][vector] = value.mul_add(columns[vector], sums[row][vector]);
                }
            }
        }
    }
}
