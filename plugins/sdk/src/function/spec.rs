//! What a function takes and gives.

use dreamwire_abi as abi;

/// One tensor of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorSpec {
    /// `"relu4_3"`, `"image"`
    pub name: String,
    /// sizes, -1 = free
    pub dims: Vec<i64>,
    /// `"layout=nchw;weight=0.5"`
    pub semantics: String,
}

impl TensorSpec {
    /// A float32 tensor; -1 in `dims` is a free size.
    pub fn new(name: impl Into<String>, dims: &[i64]) -> Self {
        Self { name: name.into(), dims: dims.to_vec(), semantics: String::new() }
    }

    /// `key=value` pairs, separated by semicolons.
    #[must_use]
    pub fn semantics(mut self, semantics: impl Into<String>) -> Self {
        self.semantics = semantics.into();
        self
    }

    /// The value of one key of the semantics.
    pub fn semantic(&self, key: &str) -> Option<&str> {
        self.semantics
            .split(';')
            .find_map(|pair| pair.split_once('=').filter(|(k, _)| k.trim() == key))
            .map(|p| p.1)
    }
}

/// A function's type, inputs and outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct FnSpec {
    /// FEATURES, OBJECTIVE, MAPPING, GENERATOR, DISCRIMINATOR
    pub kind: String,
    /// for people: `"vgg16"`
    pub name: String,
    /// inputs in order
    pub inputs: Vec<TensorSpec>,
    /// outputs in order
    pub outputs: Vec<TensorSpec>,
    pub(crate) flags: u32,
}

impl FnSpec {
    /// A deterministic function that may be called from several threads.
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        let flags = abi::FN_REENTRANT | abi::FN_DETERMINISTIC;
        Self { kind: kind.into(), name: name.into(), inputs: Vec::new(), outputs: Vec::new(), flags }
    }

    /// Adds an input.
    #[must_use]
    pub fn input(mut self, spec: TensorSpec) -> Self {
        self.inputs.push(spec);
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, spec: TensorSpec) -> Self {
        self.outputs.push(spec);
        self
    }

    /// It has one output of one element: an objective.
    #[must_use]
    pub fn scalar(mut self) -> Self {
        self.flags |= abi::FN_SCALAR;
        self
    }

    /// True for objectives.
    pub fn is_scalar(&self) -> bool {
        self.flags & abi::FN_SCALAR != 0
    }
}

/// An [`FnSpec`] in the ABI's form, with everything it points to.
pub(crate) struct SpecTable {
    desc: abi::FnDesc,
    // What `desc` points to: boxed slices, so nothing moves.
    _spec: Box<FnSpec>,
    _tensors: Box<[abi::TensorSpec]>,
    _pointers: Box<[*const abi::TensorSpec]>,
}

impl SpecTable {
    pub(crate) fn new(spec: FnSpec) -> Self {
        let spec = Box::new(spec);
        let tensors: Box<[abi::TensorSpec]> = spec
            .inputs
            .iter()
            .chain(&spec.outputs)
            .map(|t| abi::TensorSpec {
                size: size_of::<abi::TensorSpec>() as u32,
                ndim: t.dims.len() as u32,
                dims: t.dims.as_ptr(),
                dtype: abi::F32,
                reserved: 0,
                name: abi::Str::new(&t.name),
                semantics: abi::Str::new(&t.semantics),
            })
            .collect();
        let pointers: Box<[*const abi::TensorSpec]> = tensors.iter().map(|t| &raw const *t).collect();
        let n_in = spec.inputs.len();
        let desc = abi::FnDesc {
            size: size_of::<abi::FnDesc>() as u32,
            flags: spec.flags,
            ty: abi::Str::new(&spec.kind),
            name: abi::Str::new(&spec.name),
            n_in: n_in as u32,
            n_out: spec.outputs.len() as u32,
            inputs: pointers.as_ptr(),
            outputs: pointers[n_in..].as_ptr(),
            diff_in: (1u64 << n_in.min(63)) - 1,
        };
        Self { desc, _spec: spec, _tensors: tensors, _pointers: pointers }
    }

    pub(crate) fn desc(&self) -> *const abi::FnDesc {
        &raw const self.desc
    }

    pub(crate) fn spec(&self) -> &FnSpec {
        &self._spec
    }
}

/// Reads a foreign description; `None` where it lies (null arrays, text that is not UTF-8, absurd counts).
///
/// # Safety
/// `desc` is null or points to a live description.
pub(crate) unsafe fn read(desc: *const abi::FnDesc) -> Option<FnSpec> {
    // SAFETY: null or alive; what is read is checked for null and counted.
    unsafe {
        let desc = desc.as_ref()?;
        let list = |pointers: *const *const abi::TensorSpec, n: u32| -> Option<Vec<TensorSpec>> {
            if n > 256 || (n > 0 && pointers.is_null()) {
                return None;
            }
            (0..n as usize)
                .map(|i| {
                    let spec = (*pointers.add(i)).as_ref()?;
                    if spec.ndim > 16 || (spec.ndim > 0 && spec.dims.is_null()) {
                        return None;
                    }
                    let dims = (0..spec.ndim as usize).map(|d| *spec.dims.add(d)).collect();
                    let (name, semantics) = (spec.name.text()?.to_owned(), spec.semantics.text()?.to_owned());
                    Some(TensorSpec { name, dims, semantics })
                })
                .collect()
        };
        Some(FnSpec {
            kind: desc.ty.text()?.to_owned(),
            name: desc.name.text()?.to_owned(),
            inputs: list(desc.inputs, desc.n_in)?,
            outputs: list(desc.outputs, desc.n_out)?,
            flags: desc.flags,
        })
    }
}
