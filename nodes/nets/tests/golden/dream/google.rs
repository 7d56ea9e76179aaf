//! Google's notebook (github.com/google/deepdream) on torchvision's GoogLeNet with portable weights.

use candle_core::{DType, Result, Tensor};
use dreamwire_nets::extractor::{Extractor, Layer, Normalisation};
use dreamwire_nets::optim::{Stepper, octave_sizes, zoom};
use dreamwire_nets::{googlenet, objective};

use super::{errors, gradient, weights};
use crate::reference::{Reference, device, picture, sample};
use crate::tolerance::Tolerance;

/// The notebook with its network. Pictures are `[1, H, W, 3]` in 0..1, where the notebook has 0..255 less a mean.
struct Notebook {
    network: Extractor,
    end: Layer,
    dtype: DType,
}

impl Notebook {
    fn new(dtype: DType) -> Result<Self> {
        let tensors = weights(&googlenet::parameter_shapes(), dtype);
        let network =
            googlenet::extractor(tensors, Normalisation::CAFFE, &device()).expect("these are its weights");
        let end = network.layer("inception3b").expect("a layer of GoogLeNet").clone();
        Ok(Self { network, end, dtype })
    }

    fn features(&self, image: &Tensor) -> Result<Tensor> {
        let mut features = self.network.features(image, std::slice::from_ref(&self.end))?;
        Ok(features.remove(0))
    }

    /// The picture after each of `steps` in each of `octaves`, without jitter. The last one is the dream.
    fn dream(
        &self,
        octaves: usize,
        steps: usize,
        objective: impl Fn(&Tensor) -> Result<Tensor>,
    ) -> Result<Vec<Tensor>> {
        let mut bases = vec![picture("astronaut")];
        let (_, height, width, _) = bases[0].dims4()?;
        for (height, width) in octave_sizes(height, width, octaves, 1.4).into_iter().rev().skip(1) {
            bases.push(shrink(&bases[bases.len() - 1], height, width)?);
        }
        let mut detail = bases[bases.len() - 1].zeros_like()?;
        let mut stepper = Stepper::MeanAbs;
        let mut pictures = Vec::new();
        for base in bases.iter().rev() {
            let (_, height, width, _) = base.dims4()?;
            let mut x = (base + zoom(&detail, height, width)?)?;
            for _ in 0..steps {
                let gradient = gradient(&x, self.dtype, |x| objective(&self.features(x)?))?;
                x = (x + (stepper.direction(&gradient)? * (1.5 / 255.0))?)?.clamp(0f32, 1f32)?;
                pictures.push(x.clone());
            }
            detail = (x - base)?;
        }
        Ok(pictures)
    }

    /// Strong activations grow: the gradient of the features is the features.
    fn whole_run(&self) -> Result<Vec<Tensor>> {
        self.dream(3, 3, |features| features.sqr()? / 2.0)
    }

    /// Every position moves towards the most similar position of the guide.
    fn guided_run(&self, guide: &Tensor) -> Result<Vec<Tensor>> {
        self.dream(2, 2, |features| objective::guide(features, guide))
    }

    fn guide(&self) -> Result<Tensor> {
        self.features(&picture("coffee").to_dtype(self.dtype)?)
    }
}

/// The next smaller octave. The notebook shrinks pictures less their mean, so what [`nd_zoom`] loses is grey.
fn shrink(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let mean = Tensor::new(&Normalisation::CAFFE.mean, &device())?;
    nd_zoom(&image.broadcast_sub(&mean)?, height, width)?.broadcast_add(&mean)
}

/// SciPy's `nd.zoom(order=1)` with its bug: where rounding puts the last row or column slightly outside the
/// input, it is zero. In these runs that is the last column from 128 pixels to 91.
fn nd_zoom(image: &Tensor, height: usize, width: usize) -> Result<Tensor> {
    let kept = |size: usize, out: usize| {
        let (last, steps) = ((size - 1) as f64, (out - 1) as f64);
        out - usize::from(steps * (last / steps) > last)
    };
    let (_, h, w, _) = image.dims4()?;
    let (rows, columns) = (kept(h, height), kept(w, width));
    let inside = zoom(image, height, width)?.narrow(1, 0, rows)?.narrow(2, 0, columns)?;
    inside.pad_with_zeros(1, 0, height - rows)?.pad_with_zeros(2, 0, width - columns)
}

#[test]
fn octaves() -> Result<()> {
    let reference = Reference::read("dream/google");
    let image = |name: &str| reference.tensor(name).permute((1, 2, 0))?.unsqueeze(0);
    let (small, large) = (image("nd_zoom_down")?, image("nd_zoom_up")?);
    assert_eq!(octave_sizes(96, 128, 2, 1.4)[0], (69, 91));
    let astronaut = (picture("astronaut") * 255.0)?;
    Tolerance::Close.check("shrunk", &nd_zoom(&astronaut, 69, 91)?, &small);
    Tolerance::Close.check("enlarged", &zoom(&small, 96, 128)?, &large);
    Ok(())
}

/// Every step of the whole run, and the guided one. The largest error is under 1e-3 of 255 levels; between the
/// notebook in f32 and in f64 it is 3e-5.
#[test]
fn every_step() -> Result<()> {
    let reference = Reference::read("dream/google");
    let check = |name: &str, found: &Tensor| -> Result<()> {
        let expected = reference.tensor(name);
        let found = (found.squeeze(0)? * 255.0)?;
        let found = match expected.rank() {
            1 => sample(&found, 37, expected.elem_count()),
            _ => found,
        };
        let (largest, _) = errors(&found, expected)?;
        assert!(largest <= 1e-3, "{name}: largest error {largest:e}");
        Ok(())
    };
    let notebook = Notebook::new(DType::F64)?;
    let pictures = notebook.whole_run()?;
    assert_eq!(pictures.len(), 9);
    for (n, picture) in pictures.iter().enumerate() {
        check(&format!("vis{n}_oct{}_it{}", n / 3, n % 3), picture)?;
    }
    check("out_rgb255", &pictures[8])?;

    let guide = notebook.guide()?;
    let expected = reference.tensor("guide_features.sample");
    let stride = reference.facts["guide_sample_stride"].as_u64().unwrap() as usize;
    let found = sample(&guide.to_dtype(DType::F32)?, stride, expected.elem_count());
    Tolerance::Close.check("features of the guide", &found, expected);
    check("out_rgb255.guided", &notebook.guided_run(&guide)?[3])
}

/// As used, in f32: the mean error after all steps is under a level of 255. A value on the other side of a
/// kink in one step affects its surroundings in the next ones.
#[test]
fn in_single_precision() -> Result<()> {
    let reference = Reference::read("dream/google");
    let notebook = Notebook::new(DType::F32)?;
    let whole = notebook.whole_run()?;
    let guided = notebook.guided_run(&notebook.guide()?)?;
    for (name, found) in [("out_rgb255", &whole[8]), ("out_rgb255.guided", &guided[3])] {
        let found = (found.squeeze(0)? * 255.0)?;
        let (_, mean) = errors(&found, reference.tensor(name))?;
        assert!(mean < 1.0, "{name}: mean error {mean:e}");
    }
    Ok(())
}
