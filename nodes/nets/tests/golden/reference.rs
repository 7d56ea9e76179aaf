use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use candle_core::{DType, Device, Tensor};
use dreamwire_nets::TensorOptions;
use serde_json::Value;

/// Where networks are tested: the CPU, or what the environment variable `DREAMWIRE_TEST_DEVICE` names, `cuda`, `cuda:N` or
/// `metal`. It needs the feature of that name.
pub(crate) fn device() -> Device {
    static DEVICE: LazyLock<Device> = LazyLock::new(|| {
        let name = std::env::var("DREAMWIRE_TEST_DEVICE").unwrap_or_else(|_| "cpu".to_owned());
        match (name.as_str(), name.strip_prefix("cuda:").and_then(|ordinal| ordinal.parse().ok())) {
            ("cpu", _) => Device::Cpu,
            ("cuda", _) => Device::new_cuda(0).unwrap(),
            ("metal", _) => Device::new_metal(0).unwrap(),
            (_, Some(ordinal)) => Device::new_cuda(ordinal).unwrap(),
            (other, None) => panic!("DREAMWIRE_TEST_DEVICE is {other}, expected cpu, cuda, cuda:N or metal"),
        }
    });
    DEVICE.clone()
}

/// What networks are built with.
pub(crate) fn options(dtype: DType) -> TensorOptions {
    TensorOptions::new(dtype, device())
}

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
        let tensors = dreamwire_nets::weights::read_all(&read("safetensors")).unwrap().into_iter();
        let tensors = tensors.map(|(name, tensor)| (name, tensor.to_device(&device()).unwrap())).collect();
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
    Tensor::from_vec(values, (1, height as usize, width as usize, 3), &device()).unwrap()
}

/// Every `stride`-th element of the row-major flattening.
pub(crate) fn sample(x: &Tensor, stride: usize, count: usize) -> Tensor {
    let values = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let sampled: Vec<f32> = values.iter().step_by(stride).take(count).copied().collect();
    Tensor::new(sampled, x.device()).unwrap()
}
