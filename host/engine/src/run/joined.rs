use crate::{Tensor, Value};

/// An output that is being put together.
pub(super) enum Joined {
    /// The same in all parts, such as nothing.
    Same(Value),
    Rows {
        first: Tensor,
        bytes: Vec<u8>,
    },
}

impl Joined {
    /// For `rows` rows like those of the first part.
    pub(super) fn new(first: &Value, rows: usize) -> Self {
        match first {
            Value::Tensor(tensor) => {
                let of_part = tensor.shape().first().map_or(1, |&rows| usize::try_from(rows).unwrap_or(1));
                let bytes = tensor.bytes().len() / of_part.max(1) * rows;
                Self::Rows { first: tensor.clone(), bytes: Vec::with_capacity(bytes) }
            }
            value => Self::Same(value.clone()),
        }
    }

    /// Appends a part. False if its rows are not like those before.
    pub(super) fn append(&mut self, value: &Value) -> bool {
        match (self, value) {
            (Self::Rows { first, bytes }, Value::Tensor(tensor)) => {
                let row = |tensor: &Tensor| tensor.shape().get(1..).map(<[i64]>::to_vec);
                let alike = first.dtype() == tensor.dtype() && row(first) == row(tensor);
                if alike {
                    bytes.extend_from_slice(tensor.bytes());
                }
                alike
            }
            (Self::Same(same), value) => {
                same.content().is_some_and(|content| value.content() == Some(content))
            }
            _ => false,
        }
    }

    pub(super) fn value(self, rows: usize) -> Option<Value> {
        match self {
            Self::Same(value) => Some(value),
            Self::Rows { first, bytes } => {
                let shape = [&[rows as i64][..], first.shape().get(1..)?].concat();
                Tensor::copied(first.dtype(), shape, bytes).map(Value::Tensor)
            }
        }
    }
}
