//! NumPy's descriptions of types.

use crate::dtype::DType;

/// What an array holds.
pub(super) enum Elements {
    Numbers {
        dtype: DType,
        big_endian: bool,
    },
    /// Not numbers, or not ones that networks have.
    Other(&'static str),
}

/// Reads a description such as `<f4`. Without a byte order, as in pickles, it is little-endian.
pub(super) fn parse(text: &str) -> Option<Elements> {
    let big_endian = text.starts_with('>');
    let name = text.strip_prefix(['<', '>', '|', '=']).unwrap_or(text);
    if let Some(dtype) = DType::of_numpy(name) {
        return Some(Elements::Numbers { dtype, big_endian });
    }
    Some(Elements::Other(match name.chars().next()? {
        'O' => "holds Python objects",
        'U' | 'S' | 'a' => "holds texts",
        'c' => "holds complex numbers",
        'M' | 'm' => "holds times",
        'V' => "holds records",
        'f' | 'g' => "holds floats of an unusual width",
        _ => return None,
    }))
}
