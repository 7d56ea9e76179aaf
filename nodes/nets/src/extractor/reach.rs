/// The receptive field of layers: the surroundings of a part of a picture that its features depend on.
///
/// Position `i` of a layer of stride `s` stands for its cell, the pixels `s i` to `s i + s - 1`, and is
/// measured from the pixel `s i + s / 2` (rounded down) in the middle of it. This also holds at the edges:
/// padding, mirrored or not, extends no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Pixels of the picture per position of the coarsest layer, in both directions. The grids of the others
    /// divide it.
    pub stride: usize,
    /// A position depends on no pixel further than this from the middle of its cell, along either axis, in
    /// pixels.
    pub radius: usize,
}

impl Reach {
    pub(super) fn of(fields: impl IntoIterator<Item = Field>) -> Self {
        fields.into_iter().fold(Self { stride: 1, radius: 0 }, |reach, field| Self {
            stride: reach.stride.max(field.stride),
            radius: reach.radius.max(field.radius()),
        })
    }
}

/// The pixels that positions of a map depend on: `stride i + first` to `stride i + last` for position `i`,
/// along the axis with the larger field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field {
    stride: usize,
    first: isize,
    last: isize,
}

impl Field {
    /// The picture itself.
    pub(super) const PIXEL: Self = Self { stride: 1, first: 0, last: 0 };

    /// After windows of `kernel` (height, width) every `stride` positions, starting `padding` (above, left)
    /// outside the map.
    pub(super) fn through(self, kernel: [usize; 2], stride: usize, padding: [usize; 2]) -> Self {
        let step = self.stride as isize;
        let before = |axis: usize| padding[axis] as isize;
        let behind = |axis: usize| kernel[axis] as isize - 1 - before(axis);
        Self {
            stride: self.stride * stride,
            first: self.first - step * before(0).max(before(1)),
            last: self.last + step * behind(0).max(behind(1)),
        }
    }

    /// Of two concatenated maps, which have the same stride.
    pub(super) fn joined(self, other: Self) -> Self {
        Self { stride: self.stride, first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    fn radius(self) -> usize {
        let middle = (self.stride / 2) as isize;
        (middle - self.first).max(self.last - middle).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_widen_the_field() {
        let check = |field: Field, stride: usize, radius: usize| {
            assert_eq!(Reach::of([field]), Reach { stride, radius }, "{field:?}");
        };
        let conv = Field::PIXEL.through([3, 3], 1, [1, 1]);
        check(Field::PIXEL, 1, 0);
        check(conv, 1, 1);
        // Pixels 2 i - 1 to 2 i + 2, from 2 i + 1.
        check(conv.through([2, 2], 2, [0, 0]), 2, 2);
        // Pixels 2 i - 3 to 2 i + 3, from 2 i + 1.
        check(Field::PIXEL.through([7, 7], 2, [3, 3]), 2, 4);
        // Pixels 2 i to 2 i + 2, from 2 i + 1.
        check(Field::PIXEL.through([3, 3], 2, [0, 0]), 2, 1);
        check(Field::PIXEL.through([1, 7], 1, [0, 3]), 1, 3);
        check(conv.joined(Field::PIXEL.through([5, 5], 1, [2, 2])), 1, 2);
        assert_eq!(Reach::of([]), Reach { stride: 1, radius: 0 });
        assert_eq!(Reach::of([conv.through([2, 2], 2, [0, 0]), conv]), Reach { stride: 2, radius: 2 });
    }
}
