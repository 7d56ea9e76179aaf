use candle_core::{DType, Device, Tensor};

/// How close a result must be to its reference.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tolerance {
    /// Bit for bit: integer work, or the same operations in the same order.
    Exact,
    /// The largest error is under 1e-5 of the largest value: f32 sums in another order.
    Close,
    /// The largest error is under 5e-5 of the largest value: a periodic spline compared with one that has
    /// ends.
    SplineEnds,
    /// The error's length is under 1e-2 of the reference's: gradients in f32 end to end. Where a ReLU's input
    /// is almost 0, or two values in a pool's window almost tie, rounding decides the gradient's path, so
    /// single pixels may differ completely while the whole hardly changes. In f64 the same gradients are
    /// [`Tolerance::Close`].
    GradientKinks,
}

impl Tolerance {
    /// # Panics
    ///
    /// If `found` has another shape than `expected`, or is too far from it.
    #[track_caller]
    pub(crate) fn check(self, what: &str, found: &Tensor, expected: &Tensor) {
        assert_eq!(found.dims(), expected.dims(), "shape of {what}");
        // Metal has no f64.
        let values =
            |x: &Tensor| x.to_device(&Device::Cpu)?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let (found, expected) = (values(found).unwrap(), values(expected).unwrap());
        // Of a number and NaN, `max` is the number.
        assert!(found.iter().all(|x| x.is_finite()), "{what}: not all numbers are finite");
        let pairs = || found.iter().zip(&expected);
        match self {
            Tolerance::Exact => {
                let first = pairs().position(|(found, expected)| found != expected);
                assert_eq!(first, None, "first difference in {what}");
            }
            Tolerance::Close | Tolerance::SplineEnds => {
                let limit = if matches!(self, Tolerance::Close) { 1e-5 } else { 5e-5 };
                let scale = expected.iter().fold(0.0, |scale: f64, x| scale.max(x.abs()));
                let error = pairs().fold(0.0, |error: f64, (a, b)| error.max((a - b).abs()));
                assert!(error <= limit * scale, "{what}: error {error:e}, largest value {scale:e}");
            }
            Tolerance::GradientKinks => {
                let error = pairs().map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                let length = expected.iter().map(|x| x * x).sum::<f64>().sqrt();
                assert!(error <= 1e-2 * length, "{what}: error {error:e}, length {length:e}");
            }
        }
    }
}
