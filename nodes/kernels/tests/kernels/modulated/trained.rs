//! A layer whose weights train.

use candle_core::{DType, Result, Tensor};
use dreamwire_kernels::{ModulatedConv, Rectifier, TensorOptions};

use crate::differences::{self, positive};
use crate::values::tensor;

/// Without a kink.
const STRAIGHT: Rectifier = Rectifier { slope: 1.0, gain: 0.7, clamp: None };

#[derive(Debug, Clone, Copy)]
struct Case {
    kernel: usize,
    /// And smoothed.
    upsampling: bool,
    demodulate: bool,
}

const CASES: [Case; 6] = [
    Case { kernel: 3, upsampling: false, demodulate: true },
    Case { kernel: 3, upsampling: false, demodulate: false },
    Case { kernel: 1, upsampling: false, demodulate: true },
    Case { kernel: 1, upsampling: false, demodulate: false },
    Case { kernel: 3, upsampling: true, demodulate: true },
    Case { kernel: 3, upsampling: true, demodulate: false },
];

impl Case {
    /// Map, styles, noise, weight and bias.
    fn operands(self) -> Vec<Tensor> {
        let Self { kernel, upsampling, .. } = self;
        let size = if upsampling { [6, 8] } else { [3, 4] };
        vec![
            tensor(2, &[2, 3, 4, 3]),
            positive(3, &[2, 3]),
            tensor(4, &[1, size[0], size[1]]),
            tensor(1, &[4, 3, kernel, kernel]),
            tensor(5, &[4]),
        ]
    }

    fn apply(self, operands: &[Tensor], options: TensorOptions) -> Result<Tensor> {
        let [x, styles, noise, weight, bias] = operands else { panic!("five operands") };
        let layer = if self.upsampling {
            ModulatedConv::upsampling(weight, self.demodulate, options)?.smoothed(&tensor(6, &[4, 4]))?
        } else {
            ModulatedConv::new(weight, self.demodulate, options)?
        };
        layer.rectified(bias, STRAIGHT)?.apply(x, styles, Some(noise))
    }

    fn trained(self, operands: &[Tensor]) -> Result<Tensor> {
        self.apply(operands, TensorOptions { requires_grad: true, ..operands[0].dtype().into() })
    }
}

#[test]
fn outputs_are_those_of_fixed_weights() {
    for case in CASES {
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
            let operands: Vec<_> = case.operands().iter().map(|x| x.to_dtype(dtype).unwrap()).collect();
            let expected = case.apply(&operands, dtype.into()).unwrap().to_dtype(DType::F64).unwrap();
            let expected = expected.flatten_all().unwrap().to_vec1().unwrap();
            let error = differences::error(&case.trained(&operands).unwrap(), &expected);
            assert!(error < tolerance, "{case:?} {dtype:?}: {error:e}");
        }
    }
}

#[test]
fn gradients() {
    for case in CASES {
        differences::check(&format!("{case:?}"), &case.operands(), |operands| case.trained(operands));
    }
}

#[test]
#[ignore = "candle keeps no graph of gradients: run by `generators`"]
fn second_derivatives() {
    for case in CASES {
        differences::check(&format!("{case:?}"), &case.operands(), |operands| {
            differences::gradients(operands, |operands| case.trained(operands))
        });
    }
}

/// Weights that are variables have no gradients unless they are asked for.
#[test]
fn fixed_weights_have_no_gradients() {
    let case = CASES[0];
    let mut operands = case.operands();
    let weight = candle_core::Var::from_tensor(&operands[3]).unwrap();
    operands[3] = weight.as_tensor().clone();
    assert!(!case.apply(&operands, DType::F64.into()).unwrap().track_op());
    assert!(case.trained(&operands).unwrap().track_op());
}
