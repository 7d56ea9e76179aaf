use candle_core::{DType, Tensor};
use dreamwire_nets::stylegan::{mix, truncate};
use dreamwire_nets::stylegan1::{Generator, StyleGan1};

use crate::reference::{Reference, options};
use crate::stylegan::tensors;
use crate::tolerance::Tolerance;

/// The peer's factor for its styles.
const PSI: f64 = 0.7;

/// style-based-gan-pytorch with seeded random weights: z and w of 32, blocks up to 1024 pixels, 4 to 16 channels.
struct Reached {
    network: StyleGan1,
    outputs: Reference,
    dtype: DType,
}

impl Reached {
    fn new(resolution: usize, blend: f64, dtype: DType) -> Self {
        let generator = Generator::new(tensors("ros/ros_sg1_narrow")).unwrap();
        let network = generator.build(Some(resolution), blend, options(dtype)).unwrap();
        Self { network, outputs: Reference::read("ros/ros_sg1_outputs"), dtype }
    }

    fn tensor(&self, name: &str) -> Tensor {
        self.outputs.tensor(name).to_dtype(self.dtype).unwrap()
    }

    /// The styles of the first `count` z, all layers truncated towards the peer's own average.
    fn styles(&self, count: usize, psi: f64) -> Tensor {
        let w = self.network.mapping.forward(&self.tensor("z").narrow(0, 0, count).unwrap()).unwrap();
        let average = self.tensor("mean_style").squeeze(0).unwrap();
        truncate(&w, &average, psi, self.network.mapping.layers()).unwrap()
    }

    /// The picture of `w`, with the noise that the peer was given.
    #[track_caller]
    fn check(&self, w: &Tensor, name: &str) {
        let plane =
            |index: usize| self.tensor(&format!("noise_{index}")).narrow(0, 0, w.dim(0).unwrap()).unwrap();
        let planes: Vec<Tensor> = (0..self.network.synthesis.noise_sizes().len()).map(plane).collect();
        let found = self.network.synthesis.forward(w, &planes).unwrap();
        let expected = self.outputs.tensor(name).permute((0, 2, 3, 1)).unwrap();
        Tolerance::Close.check(name, &found, &expected);
    }
}

#[test]
fn mapping() {
    let reached = Reached::new(64, 1.0, DType::F32);
    let w = reached.network.mapping.forward(&reached.tensor("z")).unwrap();
    assert_eq!(w.dims(), [2, 10, 32]);
    for layer in [0, 9] {
        let found = w.narrow(1, layer, 1).unwrap().squeeze(1).unwrap();
        Tolerance::Close.check("style", &found, reached.outputs.tensor("style"));
    }
}

#[test]
fn sizes() {
    let generator = Generator::new(tensors("ros/ros_sg1_narrow")).unwrap();
    // Random colours, so all blocks count as trained.
    assert_eq!(generator.resolution(), 1024);
    let StyleGan1 { mapping, synthesis } = generator.build(Some(128), 1.0, options(DType::F32)).unwrap();
    assert_eq!((mapping.z_width(), mapping.w_width(), mapping.layers()), (32, 32, 12));
    assert_eq!((synthesis.resolution(), synthesis.channels()), (128, 3));
    assert_eq!((synthesis.w_width(), synthesis.layers()), (32, 12));
    assert_eq!(synthesis.noise_sizes(), [4, 8, 16, 32, 64, 128]);
}

/// The peer's steps 3 (while block 3 was faded in), 4, and 5, the first that is fused.
#[test]
fn pictures() {
    for dtype in [DType::F32, DType::F64] {
        let fading = Reached::new(32, 0.4, dtype);
        fading.check(&fading.styles(1, PSI), "img_step3_alpha0.4");
        let whole = Reached::new(64, 1.0, dtype);
        whole.check(&whole.styles(2, PSI), "img_step4_64px");
        let fused = Reached::new(128, 1.0, dtype);
        fused.check(&fused.styles(1, PSI), "img_step5_128px_fused");
    }
}

/// The peer's `mixing_range=(0, 1)`: blocks 0 and 1 have the style of the second z.
#[test]
fn mixing() {
    let reached = Reached::new(64, 1.0, DType::F32);
    let w = reached.styles(2, PSI);
    let image = |index| w.narrow(0, index, 1).unwrap();
    reached.check(&mix(&image(0), &image(1), &[0, 1, 2, 3]).unwrap(), "mix_coarse_from_1");
}
