//! Values between steps.

use blake3::Hash;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// A value on a wire. Cheap to clone.
#[derive(Clone)]
pub enum Value {
    /// An output that was not set.
    None,
    /// BOOLEAN.
    Bool(bool),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// STRING.
    Text(Arc<str>),
    /// IMAGE, MASK, LATENT_Z, LATENT_W, TRANSFORM.
    Tensor(Tensor),
    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR, DISCRIMINATOR.
    Function(Arc<dyn Function>),
}

impl Value {
    /// The memory cost of keeping this value.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Tensor(tensor) => tensor.bytes().len() as u64,
            Self::Function(function) => function.bytes(),
            Self::Text(text) => text.len() as u64,
            _ => 0,
        }
    }

    /// The hash of the content; `None` for functions, whose content is not visible.
    pub fn content(&self) -> Option<Hash> {
        let tagged = |tag: u8, bytes: &[u8]| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[tag]).update(bytes);
            hasher.finalize()
        };
        match self {
            Self::None => Some(tagged(0, &[])),
            Self::Bool(value) => Some(tagged(1, &[u8::from(*value)])),
            Self::Int(value) => Some(tagged(2, &value.to_le_bytes())),
            Self::Float(value) => Some(tagged(3, &value.to_le_bytes())),
            Self::Text(text) => Some(tagged(4, text.as_bytes())),
            Self::Tensor(tensor) => Some(tensor.hash()),
            Self::Function(_) => None,
        }
    }

    /// A scalar as JSON, for a linked param.
    pub fn scalar(&self) -> Option<serde_json::Value> {
        match self {
            Self::Bool(value) => Some((*value).into()),
            Self::Int(value) => Some((*value).into()),
            Self::Float(value) => serde_json::Number::from_f64(*value).map(Into::into),
            Self::Text(text) => Some(text.as_ref().into()),
            _ => None,
        }
    }
}

/// A plugin's differentiable function, opaque to the engine: the loader creates it and gets it back.
pub trait Function: Send + Sync {
    /// FEATURES, OBJECTIVE, ...
    fn ty(&self) -> &str;
    /// The memory that it pins.
    fn bytes(&self) -> u64;
    /// Whether it takes batches of any size, so that a batch may come in pieces.
    fn takes_any_batch(&self) -> bool {
        true
    }
    /// For the loader to downcast.
    fn as_any(&self) -> &dyn std::any::Any;
}

/// Element types that cross wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes.
    U8,
    /// Unsigned 32-bit.
    U32,
    /// Signed 64-bit.
    I64,
    /// Pictures, features, latents.
    F32,
    /// Double precision.
    F64,
}

impl Dtype {
    const ALL: [Self; 5] = [Self::U8, Self::U32, Self::I64, Self::F32, Self::F64];

    /// Its name: `f32`.
    pub fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// Bytes per element.
    pub fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// A dense row-major tensor in host memory that is never written again.
#[derive(Clone)]
pub struct Tensor {
    dtype: Dtype,
    shape: Arc<[i64]>,
    data: Arc<dyn AsRef<[u8]> + Send + Sync>,
    /// Of the bytes alone, shared by all copies.
    hash: Arc<OnceLock<Hash>>,
}

impl Tensor {
    /// Takes `data`, which holds `shape` elements row-major, aligned for `dtype`. `None` if the sizes do not
    /// match.
    pub fn new(dtype: Dtype, shape: Vec<i64>, data: Arc<dyn AsRef<[u8]> + Send + Sync>) -> Option<Self> {
        let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(usize::try_from(d).ok()?))?;
        let bytes = (*data).as_ref();
        let aligned = bytes.is_empty() || bytes.as_ptr().align_offset(dtype.size()) == 0;
        let fits = count.checked_mul(dtype.size())? == bytes.len() && aligned;
        fits.then(|| Self { dtype, shape: shape.into(), data, hash: Arc::default() })
    }

    /// Element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Sizes.
    pub fn shape(&self) -> &[i64] {
        &self.shape
    }

    /// The elements, native endian.
    pub fn bytes(&self) -> &[u8] {
        (*self.data).as_ref()
    }

    /// `count` rows from `first` on, along the first axis, without a copy. `None` if there are not that many.
    pub(crate) fn rows(&self, first: usize, count: usize) -> Option<Self> {
        let (&rows, row) = self.shape.split_first()?;
        let rows = usize::try_from(rows).ok()?;
        let end = first.checked_add(count).filter(|end| *end <= rows)?;
        let bytes = self.bytes().len().checked_div(rows)?;
        let shape = [&[count as i64][..], row].concat();
        Self::new(
            self.dtype,
            shape,
            Arc::new(Part { whole: self.clone(), range: first * bytes..end * bytes }),
        )
    }

    /// The hash of the bytes alone. It is computed once: keys need it, and it is the name of the bytes on disk.
    pub fn bytes_hash(&self) -> Hash {
        *self.hash.get_or_init(|| blake3::hash(self.bytes()))
    }

    /// The hash of element type, shape and bytes.
    pub fn hash(&self) -> Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[6, self.dtype as u8]);
        for size in self.shape.iter() {
            hasher.update(&size.to_le_bytes());
        }
        hasher.update(self.bytes_hash().as_bytes());
        hasher.finalize()
    }

    /// A tensor of bytes that came from elsewhere; they are copied if they are not aligned. `None` if the sizes
    /// do not match.
    pub fn copied(dtype: Dtype, shape: Vec<i64>, bytes: Vec<u8>) -> Option<Self> {
        Self::new(dtype, shape, Arc::new(Aligned::new(bytes)))
    }

    /// Index of the first NaN or infinity, and how many there are. `None` if all are finite.
    pub fn nonfinite(&self) -> Option<(usize, usize)> {
        match self.dtype {
            Dtype::F32 => nonfinite(self.bytes(), |bytes| !f32::from_ne_bytes(bytes).is_finite()),
            Dtype::F64 => nonfinite(self.bytes(), |bytes| !f64::from_ne_bytes(bytes).is_finite()),
            _ => None,
        }
    }
}

/// Index of the first element of `N` bytes that is bad, and how many are.
fn nonfinite<const N: usize>(bytes: &[u8], bad: impl Fn([u8; N]) -> bool + Copy) -> Option<(usize, usize)> {
    // Counted in blocks without a branch, which the compiler turns into vector instructions: pictures have millions of
    // elements, and all of them are finite.
    const BLOCK: usize = 4096;
    let (elements, _) = bytes.as_chunks::<N>();
    let mut counts = elements.chunks(BLOCK).map(|block| block.iter().map(|&it| usize::from(bad(it))).sum());
    let (block, count) = counts.by_ref().enumerate().find(|(_, count): &(usize, usize)| *count > 0)?;
    let first = elements[block * BLOCK..].iter().position(|&it| bad(it))?;
    Some((block * BLOCK + first, count + counts.sum::<usize>()))
}

impl Serialize for Tensor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.dtype.name(), &self.shape[..], serde_bytes::Bytes::new(self.bytes())).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (dtype, shape, bytes) = <(String, Vec<i64>, serde_bytes::ByteBuf)>::deserialize(deserializer)?;
        let tensor = Dtype::named(&dtype).and_then(|dtype| Self::copied(dtype, shape, bytes.into_vec()));
        tensor.ok_or_else(|| D::Error::custom("the bytes of a tensor do not fit its shape"))
    }
}

/// Some bytes of a tensor.
struct Part {
    whole: Tensor,
    range: Range<usize>,
}

impl AsRef<[u8]> for Part {
    fn as_ref(&self) -> &[u8] {
        &self.whole.bytes()[self.range.clone()]
    }
}

/// Bytes that start at an address which suits every element type. The system's allocator gives such addresses to
/// all but short vectors, so a copy is the exception.
struct Aligned {
    bytes: Vec<u8>,
    start: usize,
}

impl Aligned {
    const ALIGNMENT: usize = 8;

    fn new(bytes: Vec<u8>) -> Self {
        if bytes.as_ptr().align_offset(Self::ALIGNMENT) == 0 {
            return Self { bytes, start: 0 };
        }
        let mut room: Vec<u8> = Vec::with_capacity(bytes.len() + Self::ALIGNMENT);
        let start = room.as_ptr().align_offset(Self::ALIGNMENT);
        room.resize(start, 0);
        room.extend(bytes);
        Self { bytes: room, start }
    }
}

impl AsRef<[u8]> for Aligned {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensor(values: &[f32], shape: &[i64]) -> Option<Tensor> {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
        Tensor::new(Dtype::F32, shape.to_vec(), Arc::new(bytes))
    }

    #[test]
    fn sizes_must_agree() {
        assert!(tensor(&[1., 2.], &[2]).is_some());
        assert!(tensor(&[1., 2.], &[3]).is_none());
        assert!(tensor(&[1., 2.], &[-2]).is_none());
        assert!(tensor(&[], &[i64::MAX, i64::MAX]).is_none());
    }

    #[test]
    fn the_hash_sees_values_and_shape() {
        let a = tensor(&[1., 2.], &[2]).unwrap();
        assert_eq!(a.hash(), tensor(&[1., 2.], &[2]).unwrap().hash());
        assert_ne!(a.hash(), tensor(&[1., 3.], &[2]).unwrap().hash());
        let turned = tensor(&[1., 2.], &[1, 2]).unwrap();
        assert_ne!(a.hash(), turned.hash());
        // That of the bytes is also the name under which the cache keeps them.
        assert_eq!((a.bytes_hash(), a.bytes_hash()), (turned.bytes_hash(), blake3::hash(a.bytes())));
    }

    #[test]
    fn rows_are_a_tensor_of_their_own() {
        let whole = tensor(&[1., 2., 3., 4., 5., 6.], &[3, 2]).unwrap();
        let rows = whole.rows(1, 2).unwrap();
        assert_eq!(rows.shape(), [2, 2]);
        assert_eq!(rows.hash(), tensor(&[3., 4., 5., 6.], &[2, 2]).unwrap().hash());
        assert_eq!(rows.rows(1, 1).unwrap().hash(), tensor(&[5., 6.], &[1, 2]).unwrap().hash());
        assert!(whole.rows(2, 2).is_none() && whole.rows(usize::MAX, 1).is_none());
        assert!(tensor(&[], &[0, 2]).unwrap().rows(0, 0).is_none(), "no rows");
        assert!(tensor(&[1.], &[]).unwrap().rows(0, 1).is_none(), "no axis");
    }

    #[test]
    fn nonfinite_values_are_found() {
        assert_eq!(tensor(&[1., f32::NAN, 2., f32::INFINITY], &[4]).unwrap().nonfinite(), Some((1, 2)));
        assert_eq!(tensor(&[1., 2.], &[2]).unwrap().nonfinite(), None);
        let mut many = vec![0.5; 10_000];
        assert_eq!(tensor(&many, &[10_000]).unwrap().nonfinite(), None);
        many[9_999] = f32::NEG_INFINITY;
        assert_eq!(tensor(&many, &[10_000]).unwrap().nonfinite(), Some((9_999, 1)));
        many[4_096] = f32::NAN;
        assert_eq!(tensor(&many, &[10_000]).unwrap().nonfinite(), Some((4_096, 2)));
    }
}
