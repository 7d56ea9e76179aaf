//! How a tensor in a file differs from the one of the same meaning in Dreamwire.

use crate::tensor::Tensor;

/// How a tensor in a file differs from the one of the same meaning in Dreamwire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Not at all.
    None,
    /// `[1,..]` in the file, without the 1 here.
    Front,
    /// `[1,C,1,1]` in the file, `[C]` here.
    Channels,
    /// `[1]` in the file, `[]` here.
    Scalar,
    /// `[1,1,H,W]` in the file, `[H,W]` here.
    Plane,
    /// A resampling filter that sums up to 4 in the file, and to 1 here.
    Filter,
    /// [`Change::Filter`] as a [`Change::Plane`].
    FilterPlane,
    /// `[I,O]` in the file, `[O,I]` here.
    Transposed,
    /// `[H,W,I,O]` in the file, `[O,I,H,W]` here.
    Kernel,
    /// [`Change::Kernel`], mirrored: TensorFlow's convolutions that enlarge are correlations.
    MirroredKernel,
    /// Mirrored along the last two axes.
    Mirrored,
    /// `[H,W,I,O]` in the file, `[I,O,H,W]` here: PyTorch's order for transposed convolutions.
    TransposingKernel,
    /// `[O,I,H,W]` in the file, `[I,O,H,W]` here.
    Swapped,
    /// `[C]` in the file, `[1,C,1,1]` here.
    Spread,
    /// 1 is added when the network runs, and is a part of the tensor here.
    PlusOne,
}

/// Resampling filters are small; nothing else is copied for being called one.
const MOST_TAPS: usize = 64 * 64;
/// So are biases.
const MOST_CHANNELS: usize = 1 << 16;

impl Change {
    /// The tensor as it is here. One of another shape than expected stays as it is, for others to refuse.
    pub(super) fn read<'a>(self, tensor: &Tensor<'a>) -> Tensor<'a> {
        let changed = match (self, tensor.shape()) {
            (Self::Front, [1, rest @ ..]) => tensor.reshaped(rest),
            (Self::Plane, [1, 1, high, wide]) => tensor.reshaped(&[*high, *wide]),
            (Self::Channels, [1, channels, 1, 1]) => tensor.reshaped(&[*channels]),
            (Self::Scalar, [1]) => tensor.reshaped(&[]),
            (Self::FilterPlane, [1, 1, high, wide]) => {
                tensor.reshaped(&[*high, *wide]).map(|plane| Self::Filter.read(&plane))
            }
            (Self::Filter, [_, _]) if tensor.count() <= MOST_TAPS => Some(tensor.mapped(|tap| tap / 4.0)),
            (Self::Transposed, [_, _]) => tensor.permuted(&[1, 0]),
            (Self::Kernel, [_, _, _, _]) => tensor.permuted(&[3, 2, 0, 1]),
            (Self::MirroredKernel, [_, _, _, _]) => {
                tensor.permuted(&[3, 2, 0, 1]).and_then(|kernel| kernel.mirrored())
            }
            (Self::Mirrored, [_, _, _, _]) => tensor.mirrored(),
            (Self::TransposingKernel, [_, _, _, _]) => tensor.permuted(&[2, 3, 0, 1]),
            (Self::Swapped, [_, _, _, _]) => tensor.permuted(&[1, 0, 2, 3]),
            (Self::Spread, [channels]) => tensor.reshaped(&[1, *channels, 1, 1]),
            (Self::PlusOne, [..=MOST_CHANNELS]) => Some(tensor.mapped(|value| value + 1.0)),
            _ => None,
        };
        changed.unwrap_or_else(|| tensor.clone())
    }

    /// The tensor as the file has it: the inverse of [`Change::read`].
    pub(super) fn write<'a>(self, tensor: &Tensor<'a>) -> Tensor<'a> {
        let shape = tensor.shape();
        let changed = match (self, shape) {
            (Self::Front, _) => tensor.reshaped(&[&[1], shape].concat()),
            (Self::Channels, [channels]) => tensor.reshaped(&[1, *channels, 1, 1]),
            (Self::Scalar, []) => tensor.reshaped(&[1]),
            (Self::Plane, [_, _]) => tensor.reshaped(&[&[1, 1], shape].concat()),
            (Self::FilterPlane, [_, _]) => Self::Filter.write(tensor).reshaped(&[&[1, 1], shape].concat()),
            (Self::Filter, [_, _]) if tensor.count() <= MOST_TAPS => Some(tensor.mapped(|tap| tap * 4.0)),
            (Self::Transposed, [_, _]) => tensor.permuted(&[1, 0]),
            (Self::Kernel, [_, _, _, _]) => tensor.permuted(&[2, 3, 1, 0]),
            (Self::MirroredKernel, [_, _, _, _]) => {
                tensor.mirrored().and_then(|kernel| kernel.permuted(&[2, 3, 1, 0]))
            }
            (Self::Mirrored, [_, _, _, _]) => tensor.mirrored(),
            (Self::TransposingKernel, [_, _, _, _]) => tensor.permuted(&[2, 3, 0, 1]),
            (Self::Swapped, [_, _, _, _]) => tensor.permuted(&[1, 0, 2, 3]),
            (Self::Spread, [1, channels, 1, 1]) => tensor.reshaped(&[*channels]),
            (Self::PlusOne, [..=MOST_CHANNELS]) => Some(tensor.mapped(|value| value - 1.0)),
            _ => None,
        };
        changed.unwrap_or_else(|| tensor.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let cases: [(Change, &[usize], &[usize]); 15] = [
            (Change::None, &[2, 3], &[2, 3]),
            (Change::Front, &[1, 2, 3, 4, 5], &[2, 3, 4, 5]),
            (Change::Channels, &[1, 3, 1, 1], &[3]),
            (Change::Scalar, &[1], &[]),
            (Change::Plane, &[1, 1, 2, 3], &[2, 3]),
            (Change::Filter, &[4, 4], &[4, 4]),
            (Change::FilterPlane, &[1, 1, 4, 4], &[4, 4]),
            (Change::Transposed, &[2, 3], &[3, 2]),
            (Change::Kernel, &[3, 3, 2, 4], &[4, 2, 3, 3]),
            (Change::MirroredKernel, &[3, 2, 2, 4], &[4, 2, 3, 2]),
            (Change::Mirrored, &[4, 2, 3, 2], &[4, 2, 3, 2]),
            (Change::TransposingKernel, &[3, 3, 2, 4], &[2, 4, 3, 3]),
            (Change::Swapped, &[2, 4, 3, 3], &[4, 2, 3, 3]),
            (Change::Spread, &[3], &[1, 3, 1, 1]),
            (Change::PlusOne, &[3], &[3]),
        ];
        for (change, file, here) in cases {
            let tensor = Tensor::counted(file);
            let read = change.read(&tensor);
            assert_eq!(read.shape(), here, "{change:?}");
            assert_eq!(change.write(&read), tensor, "{change:?}");
            // Nothing is changed that has another shape.
            let odd = Tensor::counted(&[2, 1, 1, 1, 1, 1]);
            assert_eq!(change.read(&odd), odd, "{change:?}");
        }
    }

    #[test]
    fn numbers_go_to_their_places() {
        let kernel = Tensor::counted(&[2, 2, 1, 2]);
        assert_eq!(Change::Kernel.read(&kernel).to_f32(), [0., 2., 4., 6., 1., 3., 5., 7.]);
        assert_eq!(Change::MirroredKernel.read(&kernel).to_f32(), [6., 4., 2., 0., 7., 5., 3., 1.]);
        assert_eq!(Change::Mirrored.read(&Tensor::counted(&[1, 1, 2, 2])).to_f32(), [3., 2., 1., 0.]);
        assert_eq!(Change::PlusOne.read(&Tensor::counted(&[2])).to_f32(), [1., 2.]);
        assert_eq!(Change::Filter.read(&Tensor::counted(&[1, 2])).to_f32(), [0., 0.25]);
        // Too large for a filter.
        let large = Tensor::counted(&[65, 65]);
        assert_eq!(Change::Filter.read(&large), large);
    }
}
