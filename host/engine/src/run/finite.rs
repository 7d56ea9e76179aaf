use crate::{Failure, FailureKind, Value};
use dreamwire_graph::{CheckedNode, Hint, Setting};

/// Refuses NaN and infinity in outputs.
pub(super) fn check(node: &CheckedNode, outputs: &[Value]) -> Result<(), Failure> {
    for (port, output) in node.kind.outputs.iter().zip(outputs) {
        if let Value::Tensor(tensor) = output
            && let Some((first, count)) = tensor.nonfinite()
        {
            let shape = tensor.shape();
            let message = format!(
                "output `{}` contains {count} values that are NaN or infinite, the first at index {first} of {shape:?}",
                port.name
            );
            let hint = Hint::with("let them through", Setting::AllowNonfinite);
            return Err(Failure::new(FailureKind::Nonfinite, message).hint(hint));
        }
    }
    Ok(())
}
