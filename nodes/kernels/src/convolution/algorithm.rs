//! Which algorithm computes a convolution.

use super::{few_inputs, few_outputs, reach};
use crate::layer::Padding;
use crate::winograd;

/// How a convolution is computed. Shapes alone decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// Winograd's, by tiles: [`winograd`].
    Tiles,
    /// By whole windows, for maps of few channels: [`few_inputs`].
    FewInputs,
    /// By whole kernels, for gradients with respect to maps of few channels: [`few_outputs`].
    FewOutputs,
    /// By rows of kernels.
    Direct,
}

impl Algorithm {
    /// For kernels of the height and width `kernel` over `inputs` channels, every `stride` pixels, and outputs of the
    /// height and width `size`. Never [`Algorithm::FewOutputs`].
    pub(crate) fn of(inputs: usize, kernel: [usize; 2], stride: usize, size: [usize; 2]) -> Self {
        if winograd::is_worthwhile(kernel, stride, inputs, size) {
            Self::Tiles
        } else if few_inputs::is_worthwhile(inputs, kernel) {
            Self::FewInputs
        } else {
            Self::Direct
        }
    }

    /// For the gradient with respect to a map of the height and width `size` of a convolution with these numbers of
    /// outputs and inputs. But for [`Algorithm::FewOutputs`] it is that of the transposed convolution, of stride 1.
    pub(crate) fn of_gradient(
        [outputs, inputs]: [usize; 2],
        kernel: [usize; 2],
        padding: Padding,
        size: [usize; 2],
    ) -> Self {
        if few_outputs::is_worthwhile([outputs, inputs]) {
            return Self::FewOutputs;
        }
        let [h, w] = spread_size(padding, kernel, size);
        let (around, _) = reach(padding, kernel);
        let size = [
            (h + around.top + around.bottom + 1).saturating_sub(kernel[0]),
            (w + around.left + around.right + 1).saturating_sub(kernel[1]),
        ];
        Self::of(outputs, kernel, 1, size)
    }
}

/// Height and width of a convolution's outputs at stride 1, for a map of the height and width `size`: those of a gradient
/// that was spread out by the stride.
pub(crate) fn spread_size(padding: Padding, [kh, kw]: [usize; 2], [h, w]: [usize; 2]) -> [usize; 2] {
    let Padding { top, bottom, left, right, .. } = padding;
    [(h + top + bottom + 1).saturating_sub(kh), (w + left + right + 1).saturating_sub(kw)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_choose() {
        use Algorithm::{Direct, FewInputs, FewOutputs, Tiles};
        assert_eq!(Algorithm::of(64, [3, 3], 1, [32, 32]), Tiles);
        assert_eq!(Algorithm::of(64, [3, 3], 1, [4, 4]), Direct, "a single tile");
        assert_eq!(Algorithm::of(64, [3, 3], 2, [32, 32]), Direct);
        assert_eq!(Algorithm::of(64, [1, 1], 1, [32, 32]), Direct);
        assert_eq!(Algorithm::of(3, [3, 3], 1, [32, 32]), FewInputs);
        assert_eq!(Algorithm::of(3, [7, 7], 2, [32, 32]), FewInputs);
        assert_eq!(Algorithm::of(0, [3, 3], 1, [32, 32]), Direct);

        let of_gradient = |channels, padding, size| Algorithm::of_gradient(channels, [3, 3], padding, size);
        assert_eq!(of_gradient([64, 3], Padding::zeros(1), [32, 32]), FewOutputs);
        assert_eq!(of_gradient([64, 32], Padding::zeros(1), [32, 32]), Tiles);
        assert_eq!(of_gradient([64, 32], Padding::zeros(1), [4, 4]), Direct);
        // The gradient by the mirrored pixels is computed too, and folded back.
        assert_eq!(of_gradient([64, 32], Padding::reflect(1), [4, 4]), Tiles);
        assert_eq!(of_gradient([8, 32], Padding::zeros(1), [32, 32]), FewInputs);
    }
}
