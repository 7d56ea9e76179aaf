use std::collections::HashMap;
use std::path::PathBuf;

use candle_core::Tensor;
use serde_json::Value;

/// A pair `NAME.safetensors` and `NAME.json` of `tests/ref`.
pub(crate) struct Reference {
    tensors: HashMap<String, Tensor>,
    pub(crate) facts: Value,
}

impl Reference {
    pub(crate) fn read(name: &str) -> Self {
        let path = |extension| {
            let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/ref");
            root.join(format!("{name}.{extension}"))
        };
        let tensors = dreamwire_nets::weights::read(&std::fs::read(path("safetensors")).unwrap()).unwrap();
        let facts = serde_json::from_slice(&std::fs::read(path("json")).unwrap()).unwrap();
        Self { tensors, facts }
    }

    #[track_caller]
    pub(crate) fn tensor(&self, name: &str) -> &Tensor {
        &self.tensors[name]
    }
}

/// Every `stride`-th element of the row-major flattening.
pub(crate) fn sample(x: &Tensor, stride: usize, count: usize) -> Tensor {
    let values = x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let sampled: Vec<f32> = values.iter().step_by(stride).take(count).copied().collect();
    Tensor::new(sampled, x.device()).unwrap()
}
