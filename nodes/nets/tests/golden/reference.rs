use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::{Device, Tensor};
use serde_json::Value;

/// A file below `tests/ref`.
fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref").join(name)
}

/// A pair `NAME.safetensors` and `NAME.json` of `tests/ref`.
pub(crate) struct Reference {
    tensors: HashMap<String, Tensor>,
    pub(crate) facts: Value,
}

impl Reference {
    pub(crate) fn read(name: &str) -> Self {
        let read = |extension| std::fs::read(path(&format!("{name}.{extension}"))).unwrap();
        let tensors = dreamwire_nets::weights::read_all(&read("safetensors")).unwrap();
        let facts = serde_json::from_slice(&read("json")).unwrap();
        Self { tensors, facts }
    }

    /// The tensor of that name, if there is one.
    pub(crate) fn find(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    #[track_caller]
    pub(crate) fn tensor(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }
}

/// The photograph `NAME`, 128 x 96 pixels: `[1, 96, 128, 3]` in 0..1.
pub(crate) fn picture(name: &str) -> Tensor {
    let picture = image::open(path(&format!("images/{name}_128x96.png"))).unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    let values: Vec<f32> = picture.into_raw().into_iter().map(|value| f32::from(value) / 255.0).collect();
    Tensor::from_vec(values, (1, height as usize, width as usize, 3), &Device::Cpu).unwrap()
}

/// Every `stride`-th element of the row-major flattening.
pub(crate) fn sample(x: &Tensor, stride: usize, count: usize) -> Tensor {
    let values = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let sampled: Vec<f32> = values.iter().step_by(stride).take(count).copied().collect();
    Tensor::new(sampled, x.device()).unwrap()
}
