//! Conversion between planes (channels first) and pixels (channels last).

// Indexed loops: iterators are not always inlined, and then miss the vector instructions.
#![allow(clippy::needless_range_loop)]

use rayon::prelude::*;

use crate::element::Element;
use crate::shared::Shared;
use crate::simd::{Job, Lanes};

/// Rows and columns that are transposed at once: 64 f32 are four cache lines, and the square is half of an L1
/// cache.
const SIDE: usize = 64;
/// Fewer rows or columns than this are transposed without a copy.
const LEAST_SIDE: usize = 8;
/// Elements per task: they stay in an L2 cache until all parts of a cache line are used.
const TASK_LEN: usize = 1 << 15;

/// From `planes`, `[n, c, h, w]`, to `pixels`, `[n, h, w, c]`, of the same length.
pub(crate) fn to_pixels<T: Element>(planes: &[T], [_, c, h, w]: [usize; 4], pixels: &mut [T]) {
    if planes.is_empty() {
        return;
    }
    let (plane, count) = (h * w, task_pixels(c));
    pixels.par_chunks_mut(plane * c).zip(planes.par_chunks(plane * c)).for_each(|(to, from)| {
        let to = Shared::new(to);
        (0..plane.div_ceil(count)).into_par_iter().for_each(|task| {
            let first = task * count;
            T::run(Turn {
                from: &from[first..],
                from_stride: plane,
                rows: c,
                columns: count.min(plane - first),
                to: &to,
                first: first * c,
                to_stride: c,
            });
        });
    });
}

/// From `pixels`, `[n, h, w, c]`, to `planes`, `[n, c, h, w]`, of the same length.
pub(crate) fn to_planes<T: Element>(pixels: &[T], [_, c, h, w]: [usize; 4], planes: &mut [T]) {
    if pixels.is_empty() {
        return;
    }
    let (plane, count) = (h * w, task_pixels(c));
    planes.par_chunks_mut(plane * c).zip(pixels.par_chunks(plane * c)).for_each(|(to, from)| {
        let to = Shared::new(to);
        from.par_chunks(count * c).enumerate().for_each(|(task, from)| {
            T::run(Turn {
                from,
                from_stride: c,
                rows: from.len() / c,
                columns: c,
                to: &to,
                first: task * count,
                to_stride: plane,
            });
        });
    });
}

/// Pixels per task: they depend on the shape alone.
fn task_pixels(channels: usize) -> usize {
    (TASK_LEN / channels).max(1).next_multiple_of(SIDE)
}

/// `to[first + column to_stride + row] = from[row from_stride + column]`: a transpose, in either direction.
///
/// Planes often lie a large power of two apart, so that they map to the same few sets of a cache. Reads and
/// writes of one plane should therefore be long: squares of elements go through a local copy.
///
/// Tasks that write to one slice differ in their rows or columns, so no element has two writers.
struct Turn<'a, T> {
    from: &'a [T],
    from_stride: usize,
    rows: usize,
    columns: usize,
    to: &'a Shared<'a, T>,
    first: usize,
    to_stride: usize,
}

impl<T: Element> Job<T> for Turn<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Lanes<Element = T>>(self) {
        let mut square = [[T::ZERO; SIDE]; SIDE];
        for row in (0..self.rows).step_by(SIDE) {
            let rows = SIDE.min(self.rows - row);
            for column in (0..self.columns).step_by(SIDE) {
                let columns = SIDE.min(self.columns - column);
                if rows < LEAST_SIDE || columns < LEAST_SIDE {
                    self.turn_directly([row, rows], [column, columns]);
                } else {
                    self.turn([row, rows], [column, columns], &mut square);
                }
            }
        }
    }
}

impl<T: Element> Turn<'_, T> {
    /// Transposes `rows` rows from `row`, at most `SIDE`, and columns likewise.
    #[inline(always)]
    fn turn(&self, [row, rows]: [usize; 2], [column, columns]: [usize; 2], square: &mut [[T; SIDE]; SIDE]) {
        for index in 0..rows {
            square[index][..columns].copy_from_slice(self.part_of_row(row + index, column, columns));
        }
        for index in 0..columns {
            let to = self.to.at(self.first + (column + index) * self.to_stride + row, rows);
            for line in 0..rows {
                // SAFETY: there are `rows` elements, which belong to this task alone.
                unsafe { *to.add(line) = square[line][index] };
            }
        }
    }

    /// The same for a few rows or columns.
    #[inline(always)]
    fn turn_directly(&self, [row, rows]: [usize; 2], [column, columns]: [usize; 2]) {
        let start = self.first + column * self.to_stride + row;
        let to = self.to.at(start, (columns - 1) * self.to_stride + rows);
        for line in 0..rows {
            let from = self.part_of_row(row + line, column, columns);
            for index in 0..columns {
                // SAFETY: the last of these elements was checked to exist; they belong to this task alone.
                unsafe { *to.add(index * self.to_stride + line) = from[index] };
            }
        }
    }

    #[inline(always)]
    fn part_of_row(&self, row: usize, column: usize, columns: usize) -> &[T] {
        &self.from[row * self.from_stride + column..][..columns]
    }
}

#[cfg(test)]
mod tests {
    use crate::activation::Activation;

    #[test]
    fn maps_are_turned_around() {
        let check = |shape: [usize; 4]| {
            let [n, c, h, w] = shape;
            let planes: Vec<f32> = (0..n * c * h * w).map(|index| index as f32).collect();
            let map = Activation::from_nchw(&planes, shape);
            assert_eq!(map.shape(), shape);
            let (plane, mut pixels) = (h * w, Vec::new());
            for image in 0..n {
                for pixel in 0..plane {
                    pixels.extend((0..c).map(|channel| planes[(image * c + channel) * plane + pixel]));
                }
            }
            assert!(*map.data == *pixels, "pixels of {shape:?}");
            let mut back = vec![-1.0; planes.len()];
            map.write_nchw(&mut back);
            assert!(back == planes, "planes of {shape:?}");
        };
        check([1, 1, 1, 1]);
        check([1, 3, 5, 7]);
        check([2, 16, 16, 16]);
        check([1, 17, 9, 31]);
        check([3, 64, 8, 8]);
        check([2, 0, 3, 3]);
        // A picture in one task and in several; several tasks of whole squares and of none.
        check([2, 3, 64, 64]);
        check([1, 3, 128, 129]);
        check([1, 256, 16, 16]);
        check([2, 70, 30, 41]);
    }
}
