use candle_core::{DType, Device, Result, Tensor, bail};

mod symmetric;

use symmetric::{Matrix, power, product};

/// Recolours the style with the content's colours: a linear map of its colours gives them the content's mean,
/// deviations and correlations. Style transfer with it keeps the content's colours.
///
/// CORAL (Sun, Feng & Saenko, "Return of Frustratingly Easy Domain Adaptation", arXiv:1511.05547) on colours divided by
/// their deviations, as in pytorch-AdaIN:
///
/// `y = S_c K_c^(1/2) K_s^(-1/2) S_s^-1 (x - mean_s) + mean_c`
///
/// with the channels' standard deviations `S` (unbiased) and `K = (Z Z^T + 1) / n` for the `n` pixels `Z` of
/// a picture, centred and divided by `S`. For pictures with equally many pixels this is pytorch-AdaIN's
/// result; otherwise that one has `sqrt(n_c / n_s)` times this contrast, because its `K` is not divided by
/// `n`.
///
/// `style` and `content` are pictures `[B or 1, H, W, 3]` of any sizes. The result has the style's size and
/// number type, the larger of both batches, and no gradient; it may leave 0..1. A channel that is constant in
/// the style is constant in the result, unless other channels contribute to it.
///
/// # Errors
///
/// If a picture does not have three channels or has no pixels, or the batches do not fit.
pub fn coral(style: &Tensor, content: &Tensor) -> Result<Tensor> {
    let (styles, h, w, style_channels) = style.dims4()?;
    let (contents, _, _, content_channels) = content.dims4()?;
    if (style_channels, content_channels) != (3, 3) {
        bail!(
            "recolouring needs pictures with 3 channels, found a style with {style_channels} and a content with \
             {content_channels}"
        )
    }
    if style.elem_count() == 0 || content.elem_count() == 0 {
        bail!("recolouring needs pictures with at least 1 pixel")
    }
    if styles != contents && styles != 1 && contents != 1 {
        bail!("recolouring needs 1 or {contents} styles for {contents} contents, found {styles}")
    }
    let (from, to) = (colours(style)?, colours(content)?);
    let picture = |image: usize| {
        let (from, to) = (&from[image.min(styles - 1)], &to[image.min(contents - 1)]);
        let turn = product(&power(&to.correlation, 0.5), &power(&from.correlation, -0.5));
        // Row vectors times the matrix: [in][out].
        let matrix: Matrix = std::array::from_fn(|input| {
            std::array::from_fn(|output| to.std[output] * turn[output][input] * inverse(from.std[input]))
        });
        let pixels = pixels(&style.get(image.min(styles - 1))?)?;
        let centred = pixels.broadcast_sub(&Tensor::new(&from.mean, &Device::Cpu)?)?;
        let turned = centred.matmul(&Tensor::new(&matrix, &Device::Cpu)?)?;
        turned.broadcast_add(&Tensor::new(&to.mean, &Device::Cpu)?)?.reshape((h, w, 3))
    };
    let pictures = (0..styles.max(contents)).map(picture).collect::<Result<Vec<_>>>()?;
    Tensor::stack(&pictures, 0)?.to_dtype(style.dtype())?.to_device(style.device())
}

/// Colour statistics of one picture.
struct Colours {
    mean: [f64; 3],
    std: [f64; 3],
    /// `(Z Z^T + 1) / n`.
    correlation: Matrix,
}

/// Below this a channel counts as constant: a thousandth of an 8-bit level is 4e-6.
const FLAT: f64 = 1e-7;

/// 1 / std; 0 for a channel without contrast, which cannot be scaled.
fn inverse(std: f64) -> f64 {
    if std < FLAT { 0.0 } else { std.recip() }
}

/// The pixels of a picture `[H, W, 3]`, `[n, 3]` in f64.
fn pixels(image: &Tensor) -> Result<Tensor> {
    let (h, w, c) = image.dims3()?;
    image.detach().to_device(&Device::Cpu)?.to_dtype(DType::F64)?.reshape((h * w, c))
}

/// The colour statistics of every picture of a batch.
fn colours(images: &Tensor) -> Result<Vec<Colours>> {
    (0..images.dim(0)?).map(|image| Colours::of(&pixels(&images.get(image)?)?)).collect()
}

impl Colours {
    /// Those of pixels `[n, 3]`.
    fn of(pixels: &Tensor) -> Result<Self> {
        let count = pixels.dim(0)?;
        let mean = pixels.mean_keepdim(0)?;
        let centred = pixels.broadcast_sub(&mean)?;
        let products = centred.t()?.contiguous()?.matmul(&centred)?.to_vec2::<f64>()?;
        let mean = mean.flatten_all()?.to_vec1::<f64>()?;
        let degrees = count.saturating_sub(1).max(1) as f64;
        let std: [f64; 3] = std::array::from_fn(|channel| (products[channel][channel] / degrees).sqrt());
        let correlation = std::array::from_fn(|i| {
            std::array::from_fn(|j| {
                let one = if i == j { 1.0 } else { 0.0 };
                (products[i][j] * inverse(std[i]) * inverse(std[j]) + one) / count as f64
            })
        });
        Ok(Self { mean: std::array::from_fn(|channel| mean[channel]), std, correlation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pictures with correlated channels; each seed and size has other colours.
    fn pictures(batch: usize, h: usize, w: usize, seed: usize) -> Tensor {
        let grain = |index: usize| ((index + seed) * 7919 % 1009) as f32 / 1009.0;
        let values: Vec<f32> = (0..batch * h * w)
            .flat_map(|pixel| {
                let (a, b, c) = (grain(pixel), grain(31 * pixel + 5), grain(57 * pixel + 11));
                let tint = seed as f32 / 100.0;
                [0.2 + 0.5 * a + 0.1 * b, 0.6 * a + tint * c, 0.1 + tint * b + 0.2 * c]
            })
            .collect();
        Tensor::from_vec(values, (batch, h, w, 3), &Device::Cpu).unwrap()
    }

    #[track_caller]
    fn assert_close(found: &Tensor, expected: &Tensor, limit: f32) {
        assert_eq!(found.dims(), expected.dims());
        let error = (found - expected).unwrap().abs().unwrap().max_all().unwrap();
        let error = error.to_scalar::<f32>().unwrap();
        assert!(error < limit, "{error}");
    }

    /// Means, deviations and correlations of the first picture of a batch.
    fn summary(images: &Tensor) -> Tensor {
        let colours = colours(images).unwrap().swap_remove(0);
        let mut numbers = [colours.mean, colours.std].concat();
        numbers.extend(colours.correlation.iter().flatten());
        Tensor::new(numbers, &Device::Cpu).unwrap().to_dtype(DType::F32).unwrap()
    }

    /// Also for different sizes; what differs is the 1 in `(Z Z^T + 1) / n`.
    #[test]
    fn the_style_takes_the_content_s_colours() {
        for (h, w) in [(40, 50), (80, 100)] {
            let (style, content) = (pictures(1, 40, 50, 40), pictures(1, h, w, 3));
            let found = coral(&style, &content).unwrap();
            assert_close(&summary(&found), &summary(&content), 1e-3);
        }
    }

    #[test]
    fn colours_of_its_own_leave_a_style_alone() {
        let style = pictures(2, 9, 7, 20);
        assert_close(&coral(&style, &style).unwrap(), &style, 1e-6);
    }

    #[test]
    fn one_picture_goes_with_many() {
        let (styles, contents) = (pictures(2, 8, 6, 20), pictures(2, 5, 9, 60));
        let image = |images: &Tensor, index| images.narrow(0, index, 1).unwrap();
        let one = |style, content| coral(&image(&styles, style), &image(&contents, content)).unwrap();
        let check = |found: Result<Tensor>, expected: [Tensor; 2]| {
            assert_close(&found.unwrap(), &Tensor::cat(&expected, 0).unwrap(), 1e-7);
        };
        check(coral(&styles, &contents), [one(0, 0), one(1, 1)]);
        check(coral(&image(&styles, 1), &contents), [one(1, 0), one(1, 1)]);
        check(coral(&styles, &image(&contents, 1)), [one(0, 1), one(1, 1)]);
    }

    #[test]
    fn a_flat_style_becomes_the_content_s_mean() {
        let style = Tensor::full(0.3f32, (1, 4, 4, 3), &Device::Cpu).unwrap();
        let content = pictures(1, 6, 6, 20);
        let mean = content.flatten(0, 2).unwrap().mean_keepdim(0).unwrap();
        let mean = mean.reshape((1, 1, 1, 3)).unwrap().broadcast_as(style.shape()).unwrap();
        assert_close(&coral(&style, &content).unwrap(), &mean, 1e-6);
        let pixel = style.narrow(1, 0, 1).unwrap().narrow(2, 0, 1).unwrap();
        let expected = Tensor::full(0.3f32, content.shape(), &Device::Cpu).unwrap();
        assert_close(&coral(&content, &pixel).unwrap(), &expected, 1e-6);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        let zeros = |shape: [usize; 4]| Tensor::zeros(&shape, DType::F32, &Device::Cpu).unwrap();
        let check = |style, content, expected: &str| {
            let error = coral(&zeros(style), &zeros(content)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check([1, 2, 2, 1], [1, 2, 2, 3], "3 channels, found a style with 1 and a content with 3");
        check([2, 2, 2, 3], [3, 2, 2, 3], "needs 1 or 3 styles for 3 contents, found 2");
        check([1, 0, 2, 3], [1, 2, 2, 3], "needs pictures with at least 1 pixel");
    }
}
