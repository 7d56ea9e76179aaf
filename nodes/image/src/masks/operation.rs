use dreamwire_sdk::prelude::*;
use serde::Serialize;

/// What becomes of two values of masks at the same place.
#[derive(Clone, Copy, Deserialize, JsonSchema, Serialize)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(crate) enum Operation {
    Union,
    Intersection,
    Difference,
    Xor,
    Multiply,
    Add,
    Subtract,
}

impl Operation {
    /// The value for `a` and `b`, in 0..1.
    pub(crate) fn of(self, a: f32, b: f32) -> f32 {
        let value = match self {
            Self::Union => a.max(b),
            Self::Intersection => a.min(b),
            Self::Difference => a.min(1.0 - b),
            Self::Xor => (a - b).abs(),
            Self::Multiply => a * b,
            Self::Add => a + b,
            Self::Subtract => a - b,
        };
        value.clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Operation::{self, *};

    const ALL: [Operation; 7] = [Union, Intersection, Difference, Xor, Multiply, Add, Subtract];

    #[test]
    fn of_hard_masks_they_are_set_operations() {
        // (a, b) and the results in the order of ALL.
        let table = [
            ((0.0, 0.0), [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]),
            ((0.0, 1.0), [1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
            ((1.0, 0.0), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0]),
            ((1.0, 1.0), [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 0.0]),
        ];
        for ((a, b), expected) in table {
            assert_eq!(ALL.map(|operation| operation.of(a, b)), expected, "{a} {b}");
        }
    }

    #[test]
    fn soft_masks_by_hand() {
        assert_eq!(ALL.map(|it| it.of(0.75, 0.5)), [0.75, 0.5, 0.5, 0.25, 0.375, 1.0, 0.25]);
        assert_eq!(ALL.map(|it| it.of(0.25, 0.5)), [0.5, 0.25, 0.25, 0.25, 0.125, 0.75, 0.0]);
    }
}
