//! The types of values on wires: the one table that both sides of the socket read.

/// What ports may be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireType {
    /// As in ports: `"IMAGE"`.
    pub name: &'static str,
    /// How its values cross.
    pub form: Form,
    /// What it stands for, in a few words.
    pub meaning: &'static str,
}

/// How the values of a type cross.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A float32 [`TENSOR`](crate::TENSOR) of that rank, no size of which is 0.
    Tensor {
        /// How many sizes it has.
        rank: usize,
        /// Their names: `"[B,H,W,C]"`.
        axes: &'static str,
    },
    /// An [`I64`](crate::I64).
    Int,
    /// An [`F64`](crate::F64); an [`I64`](crate::I64) is one, too.
    Float,
    /// A [`STRING`](crate::STRING).
    Text,
    /// A [`BOOL`](crate::BOOL).
    Bool,
    /// A [`FUNCTION`](crate::FUNCTION) whose description has the name of the type.
    Function {
        /// How many outputs it has; `None` for any number from 1.
        outputs: Option<usize>,
    },
}

/// Every type there is, in the order of the documents.
pub const WIRE_TYPES: [WireType; 14] = [
    tensor("IMAGE", 4, "[B,H,W,C]", "pictures, display-referred sRGB in 0..1, 1, 3 or 4 channels"),
    tensor("MASK", 3, "[B,H,W]", "weights of pixels in 0..1"),
    tensor("LATENT_Z", 2, "[B,z]", "inputs of a MAPPING"),
    tensor("LATENT_W", 3, "[B,layers,w]", "inputs of a GENERATOR, one row per layer"),
    tensor("TRANSFORM", 3, "[B,3,3]", "matrices that move what a GENERATOR paints"),
    function("FEATURES", None, "a picture to the activations of layers"),
    function(
        "OBJECTIVE",
        Some(1),
        "a picture, or a LATENT_W, to one number, higher is better, summed over the batch",
    ),
    function("MAPPING", Some(2), "LATENT_Z to LATENT_W, and the average `w` of one row"),
    function("GENERATOR", Some(1), "LATENT_W, and optional noise planes, to a picture"),
    function("DISCRIMINATOR", Some(1), "a picture to one number per image, higher is more real"),
    WireType { name: "INT", form: Form::Int, meaning: "a whole number of 64 bits" },
    WireType { name: "FLOAT", form: Form::Float, meaning: "a number of 64 bits" },
    WireType { name: "STRING", form: Form::Text, meaning: "a text" },
    WireType { name: "BOOLEAN", form: Form::Bool, meaning: "yes or no" },
];

const fn tensor(name: &'static str, rank: usize, axes: &'static str, meaning: &'static str) -> WireType {
    WireType { name, form: Form::Tensor { rank, axes }, meaning }
}

const fn function(name: &'static str, outputs: Option<usize>, meaning: &'static str) -> WireType {
    WireType { name, form: Form::Function { outputs }, meaning }
}

/// The type of that name.
pub fn wire_type(name: &str) -> Option<&'static WireType> {
    const TABLE: &[WireType; 14] = &WIRE_TYPES;
    TABLE.iter().find(|ty| ty.name == name)
}
