use dreamwire_abi as abi;

/// The element types of the ABI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// Bytes.
    U8,
    /// Unsigned 32-bit.
    U32,
    /// Signed 64-bit.
    I64,
    /// Single precision: pictures, features, latents.
    F32,
    /// Double precision.
    F64,
}

impl Dtype {
    /// Bytes per element.
    pub const fn size(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::U32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// Its name: `"f32"`, `"u8"`, ...
    pub const fn name(self) -> &'static str {
        match self {
            Self::U8 => "u8",
            Self::U32 => "u32",
            Self::I64 => "i64",
            Self::F32 => "f32",
            Self::F64 => "f64",
        }
    }

    /// The type in DLPack's form.
    pub const fn to_dl(self) -> abi::DLDataType {
        let code = match self {
            Self::U8 | Self::U32 => abi::DL_UINT,
            Self::I64 => abi::DL_INT,
            Self::F32 | Self::F64 => abi::DL_FLOAT,
        };
        abi::DLDataType { code, bits: 8 * self.size() as u8, lanes: 1 }
    }

    /// Reads DLPack's form. `None` for types that the ABI does not have.
    pub fn from_dl(dtype: abi::DLDataType) -> Option<Self> {
        [Self::U8, Self::U32, Self::I64, Self::F32, Self::F64].into_iter().find(|it| it.to_dl() == dtype)
    }
}

/// The Rust types of elements. Sealed: every bit pattern must be valid.
pub trait Element: sealed::Sealed + Copy + 'static {
    /// The corresponding element type.
    const DTYPE: Dtype;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! elements {
    ($($ty:ty = $dtype:ident),+) => {$(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: Dtype = Dtype::$dtype;
        }
    )+};
}

elements!(u8 = U8, u32 = U32, i64 = I64, f32 = F32, f64 = F64);
