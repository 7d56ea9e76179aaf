pub(crate) mod measures;

use crate::batch::{one_of, paired, samples};
use crate::limits;
use crate::masks::with_channels;
use dreamwire_sdk::prelude::*;
use measures::{mean_square, psnr, ssim};
use serde::Serialize;

/// Compares two pictures: shows them together, and says how much they differ.
///
/// With a of `image1`, b of `image2`: side_by_side puts b to the right of a; difference is `amplify |a - b|`, clamped to
/// 0..1, of opaque pictures; split shows a to the left of `position` and b to the right of it, with a line of two
/// pixels between, white and black.
///
/// PSNR is `10 log10(1 / mean((a - b)^2))` in dB over all samples of the batch. Of equal pictures it would be infinite: it is
/// at most 100. SSIM is the mean structural similarity, 1 for equal pictures: Gaussian window of 11x11 and standard
/// deviation 1.5, K1 = 0.01, K2 = 0.03, range 1, over the positions where the window lies inside, the mean over channels and
/// pictures. Borders are mirrored if a side has fewer than 11 pixels. Both are told for each picture in the log. Alpha counts
/// as a channel.
///
/// The pictures of two batches are paired; a single one goes with all of the other. Missing channels are added: grey becomes
/// three equal colours, and alpha 1. IMAGE is `[B,H,2W,C]` for side_by_side, else `[B,H,W,C]`.
///
/// Errors: two sizes; batches that do not match; more than 100 megapixels over the batch.
///
/// Source: Z. Wang, A. C. Bovik, H. R. Sheikh, E. P. Simoncelli: Image Quality Assessment: From Error Visibility to Structural
/// Similarity, IEEE Transactions on Image Processing 13(4), 2004.
#[derive(Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Params {
    /// What to show.
    pub(crate) mode: Mode,
    /// Factor of the difference.
    #[schemars(range(min = 0.0, max = 1000.0), extend("x-dw-step" = 0.5))]
    pub(crate) amplify: f64,
    /// Where a split is: 0 is the left border, 1 the right one.
    #[schemars(range(min = 0.0, max = 1.0), extend("x-dw-step" = 0.01))]
    pub(crate) position: f64,
}

impl Default for Params {
    fn default() -> Self {
        Self { mode: Mode::SideBySide, amplify: 4.0, position: 0.5 }
    }
}

#[derive(Clone, Copy, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Mode {
    SideBySide,
    Difference,
    Split,
}

impl Params {
    /// One picture of two rows of samples, row by row.
    fn show(&self, (a, b): (&[f32], &[f32]), (width, channels): (usize, usize), shown: &mut Vec<f32>) {
        let rows = a.chunks_exact(width * channels).zip(b.chunks_exact(width * channels));
        for (a, b) in rows {
            match self.mode {
                Mode::SideBySide => {
                    shown.extend(a);
                    shown.extend(b);
                }
                Mode::Difference => {
                    let factor = self.amplify as f32;
                    let samples = a.iter().zip(b).enumerate();
                    // A fourth channel is alpha.
                    shown.extend(samples.map(|(index, (a, b))| match index % channels {
                        3 => 1.0,
                        _ => ((a - b).abs() * factor).clamp(0.0, 1.0),
                    }));
                }
                Mode::Split => {
                    let at = ((width as f64 * self.position).round() as usize).min(width);
                    shown.extend(&a[..at * channels]);
                    shown.extend(&b[at * channels..]);
                    let row = shown.len() - width * channels;
                    // Nothing divides a picture from itself.
                    for (x, value) in [(at.wrapping_sub(1), 1.0), (at, 0.0)] {
                        if (1..width).contains(&at) {
                            let start = row + x * channels;
                            shown[start..start + channels].fill(value);
                            if channels == 4 {
                                shown[start + 3] = 1.0;
                            }
                        }
                    }
                }
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct Compare;

impl Node for Compare {
    const KIND: Kind = Kind::new("Compare", 1)
        .title("Compare Images")
        .category("image")
        .inputs(&[
            port("image1", "IMAGE").doc("The first picture, `[B or 1,H,W,C]`."),
            port("image2", "IMAGE").doc("The second picture, `[B or 1,H,W,C]`."),
        ])
        .outputs(&[
            port("IMAGE", "IMAGE").doc("Both in one picture, or their difference."),
            port("SSIM", "FLOAT").doc("Mean structural similarity: 1 for equal pictures."),
            port("PSNR", "FLOAT").doc("Peak signal-to-noise ratio in dB, at most 100."),
        ]);
    type Params = Params;

    fn run(&mut self, call: &Call, params: Params, inputs: Inputs) -> Result<Outputs> {
        let (first, second) = (inputs.image("image1")?, inputs.image("image2")?);
        let (counts, height, width, channels) = first.dims4()?;
        let (others, other_height, other_width, other_channels) = second.dims4()?;
        if (height, width) != (other_height, other_width) {
            let message =
                format!("`image2` is {other_width}x{other_height}, but `image1` is {width}x{height}");
            return Err(Error::shape("image2", message).hint("resize one of them with Resize"));
        }
        let batch = paired(("image1", counts), ("image2", others))?;
        let shown_width = if params.mode == Mode::SideBySide { 2 * width } else { width };
        limits::check("the result", batch as u64, shown_width as u64, height as u64)?;
        let channels = channels.max(other_channels);
        let first = samples(&with_channels("image1", &first, channels)?)?;
        let second = samples(&with_channels("image2", &second, channels)?)?;
        let length = height * width * channels;
        let mut shown = Vec::with_capacity(batch * height * shown_width * channels);
        let (mut similarity, mut square) = (0.0, 0.0);
        for index in 0..batch {
            call.progress(index as u64, batch as u64, "comparing")?;
            let (a, b) = (one_of(&first, index, length), one_of(&second, index, length));
            let (alike, apart) = (ssim(a, b, (height, width, channels)), mean_square(a, b));
            call.info(&format!("picture {index}: SSIM {alike:.5}, PSNR {:.2} dB", psnr(apart)));
            similarity += alike / batch as f64;
            square += apart / batch as f64;
            params.show((a, b), (width, channels), &mut shown);
        }
        let shown = Tensor::from_vec(shown, (batch, height, shown_width, channels), call.device())?;
        Ok(Outputs::new().tensor(shown).float(similarity).float(psnr(square)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dreamwire_sdk::testing::{Ran, Value, run_node};

    fn image(samples: &[f32], shape: (usize, usize, usize, usize)) -> Value {
        Value::Tensor(Tensor::from_slice(samples, shape, &Device::Cpu).expect("a tensor"))
    }

    fn compare(params: &str, image1: Value, image2: Value) -> Result<Ran> {
        run_node::<Compare>(params, &[("image1", image1), ("image2", image2)], &[])
    }

    /// Samples of what is shown, SSIM and PSNR.
    fn numbers(ran: &Ran) -> (Vec<f32>, f64, f64) {
        let shown = ran.outputs[0].tensor().flatten_all().and_then(|t| t.to_vec1()).expect("f32");
        let (Value::Float(ssim), Value::Float(psnr)) = (&ran.outputs[1], &ran.outputs[2]) else {
            panic!("two numbers expected");
        };
        (shown, *ssim, *psnr)
    }

    #[test]
    fn pictures_are_shown_in_three_ways() {
        let (a, b) = ([0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.2, 0.4]);
        let shape = (1, 1, 4, 1);
        let shown =
            |params: &str| numbers(&compare(params, image(&a, shape), image(&b, shape)).expect(params)).0;
        assert_eq!(shown("{}"), [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.2, 0.4]);
        let difference = shown(r#"{"mode": "difference", "amplify": 2}"#);
        for (found, wanted) in difference.iter().zip([0.8, 0.8, 0.2, 0.0]) {
            assert!((found - wanted).abs() < 1e-6, "{difference:?}");
        }
        assert_eq!(shown(r#"{"mode": "split"}"#), [0.1, 1.0, 0.0, 0.4]);
        assert_eq!(shown(r#"{"mode": "split", "position": 1}"#), a);
        assert_eq!(shown(r#"{"mode": "split", "position": 0}"#), b);
    }

    #[test]
    fn numbers_are_of_the_whole_batch_and_told_for_each_picture() {
        // One picture is equal, and the other differs by 0.1 everywhere.
        let ran = compare(
            "{}",
            image(&[0.5; 6], (1, 1, 2, 3)),
            image(&[[0.5; 6], [0.6; 6]].concat(), (2, 1, 2, 3)),
        );
        let ran = ran.expect("it compares");
        let (_, ssim, psnr) = numbers(&ran);
        assert!((psnr - 10.0 * 200f64.log10()).abs() < 1e-4, "{psnr}");
        // Of flat pictures only the means count: (2 * 0.3 + 1e-4) / (0.25 + 0.36 + 1e-4).
        assert!((ssim - (1.0 + 0.6001 / 0.6101) / 2.0).abs() < 1e-6, "{ssim}");
        let told: Vec<&String> = ran.notes.iter().filter(|note| note.contains("SSIM")).collect();
        assert_eq!(told.len(), 2);
        assert_eq!(told[0], "picture 0: SSIM 1.00000, PSNR 100.00 dB");
        assert!(told[1].ends_with("PSNR 20.00 dB"), "{}", told[1]);
    }

    #[test]
    fn alpha_counts_and_a_difference_is_opaque() {
        let (opaque, clear) = (image(&[0.5; 3], (1, 1, 1, 3)), image(&[0.5, 0.5, 0.5, 0.0], (1, 1, 1, 4)));
        let ran = compare(r#"{"mode": "difference"}"#, opaque, clear).expect("it compares");
        let (shown, _, psnr) = numbers(&ran);
        assert_eq!(shown, [0.0, 0.0, 0.0, 1.0]);
        assert!((psnr - 10.0 * 4f64.log10()).abs() < 1e-9, "{psnr}");
    }

    #[test]
    fn two_sizes_are_refused() {
        let error = compare("{}", image(&[0.0; 2], (1, 1, 2, 1)), image(&[0.0], (1, 1, 1, 1))).err();
        let error = error.expect("refused");
        assert_eq!(error.input(), "image2");
        assert!(error.to_string().starts_with("`image2` is 1x1, but `image1` is 2x1"), "{error}");
    }
}
