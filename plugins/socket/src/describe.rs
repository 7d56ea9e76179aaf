//! Descriptions of functions: reads them and every fault in them, and writes them.

use crate::text;
use dreamwire_abi as abi;
use std::marker::PhantomData;

const MAX_TENSORS: u32 = 256;
const MAX_RANK: u32 = 16;

/// The description of a function.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FnFacts {
    /// The type: `FEATURES`, ...
    pub ty: String,
    /// The name, for people: `vgg16`.
    pub name: String,
    /// `FN_*` of the ABI.
    pub flags: u32,
    /// Bit i: the function has a gradient with respect to input i.
    pub diff_in: u64,
    /// The inputs, in order.
    pub inputs: Vec<Spec>,
    /// The outputs, in order.
    pub outputs: Vec<Spec>,
    /// What cannot be read, and why. Unreadable parts are left out above.
    pub faults: Vec<String>,
}

/// One input or output of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// The name: `relu4_3`.
    pub name: String,
    /// Sizes, -1 is free.
    pub dims: Vec<i64>,
    /// The semantics: `layout=nchw;weight=0.5`.
    pub semantics: String,
    /// Whether it is float32.
    pub is_float: bool,
}

/// A description in the form of the ABI, alive for `'a`.
#[derive(Clone, Copy)]
pub struct DescRef<'a> {
    raw: *const abi::FnDesc,
    owner: PhantomData<&'a abi::FnDesc>,
}

impl<'a> DescRef<'a> {
    /// # Safety
    /// `raw` is null, or points to a description that lives for `'a`, whose counts and texts are those of what it
    /// points to.
    pub(crate) unsafe fn from_raw(raw: *const abi::FnDesc) -> Option<Self> {
        // SAFETY: non-null, so alive; every growing struct starts with its size.
        let complete =
            !raw.is_null() && unsafe { (&raw const (*raw).size).read() } as usize >= size_of::<abi::FnDesc>();
        complete.then_some(Self { raw, owner: PhantomData })
    }

    pub(crate) fn raw(self) -> *const abi::FnDesc {
        self.raw
    }

    fn get(self) -> &'a abi::FnDesc {
        // SAFETY: alive for `'a`, and as large as this version's struct.
        unsafe { &*self.raw }
    }

    /// The numbers of inputs and outputs that it declares; 0 if there are more than allowed.
    pub(crate) fn counts(self) -> (usize, usize) {
        let count = |count: u32| if count > MAX_TENSORS { 0 } else { count as usize };
        (count(self.get().n_in), count(self.get().n_out))
    }

    /// Reads everything, and every fault in it.
    pub fn facts(self) -> FnFacts {
        let desc = self.get();
        let mut faults = Vec::new();
        // SAFETY: texts and arrays live as long as the description; counts and pointers are checked before they are
        // used.
        let mut facts = unsafe {
            FnFacts {
                ty: read_text(desc.ty, "its type", &mut faults),
                name: read_text(desc.name, "its name", &mut faults),
                flags: desc.flags,
                diff_in: desc.diff_in,
                inputs: specs(desc.inputs, desc.n_in, "input", &mut faults),
                outputs: specs(desc.outputs, desc.n_out, "output", &mut faults),
                faults: Vec::new(),
            }
        };
        facts.faults = faults;
        facts
    }
}

unsafe fn read_text(text: abi::Str, what: &str, faults: &mut Vec<String>) -> String {
    // SAFETY: text of a live description.
    unsafe { text::read(text, text::NAME) }.unwrap_or_else(|why| {
        faults.push(format!("{what} {why}"));
        String::new()
    })
}

unsafe fn specs(
    list: *const *const abi::TensorSpec,
    count: u32,
    what: &str,
    faults: &mut Vec<String>,
) -> Vec<Spec> {
    if count > MAX_TENSORS || (count > 0 && list.is_null()) {
        faults.push(format!("it declares {count} {what}s, or their array is null"));
        return Vec::new();
    }
    let mut read = Vec::new();
    for index in 0..count as usize {
        // SAFETY: `count` pointers, as the description says; each is checked before it is read.
        unsafe {
            let spec = *list.add(index);
            if spec.is_null() || ((&raw const (*spec).size).read() as usize) < size_of::<abi::TensorSpec>() {
                faults.push(format!("{what} {index} is null or too small"));
                continue;
            }
            let spec = &*spec;
            if spec.ndim > MAX_RANK || (spec.ndim > 0 && spec.dims.is_null()) {
                faults.push(format!("{what} {index} has rank {} and no usable sizes", spec.ndim));
                continue;
            }
            read.push(Spec {
                name: read_text(spec.name, &format!("the name of {what} {index}"), faults),
                dims: (0..spec.ndim as usize).map(|axis| *spec.dims.add(axis)).collect(),
                semantics: read_text(spec.semantics, &format!("the semantics of {what} {index}"), faults),
                is_float: spec.dtype == abi::F32,
            });
        }
    }
    read
}

/// A description with everything that it points to. All tensors are float32.
pub struct SpecTable {
    desc: abi::FnDesc,
    // `desc` points into the buffers of these, which do not move with the table. (A `Box` would claim unique access to
    // its content.)
    facts: FnFacts,
    _tensors: Vec<abi::TensorSpec>,
    _pointers: Vec<*const abi::TensorSpec>,
}

// SAFETY: never written after it was made; the pointers lead to what it owns.
unsafe impl Send for SpecTable {}
// SAFETY: as above.
unsafe impl Sync for SpecTable {}

impl SpecTable {
    /// Writes the facts; faults are left out.
    pub fn new(facts: FnFacts) -> Self {
        let spec = |spec: &Spec| abi::TensorSpec {
            size: size_of::<abi::TensorSpec>() as u32,
            ndim: spec.dims.len() as u32,
            dims: spec.dims.as_ptr(),
            dtype: abi::F32,
            reserved: 0,
            name: abi::Str::new(&spec.name),
            semantics: abi::Str::new(&spec.semantics),
        };
        let tensors: Vec<abi::TensorSpec> = facts.inputs.iter().chain(&facts.outputs).map(spec).collect();
        let pointers: Vec<*const abi::TensorSpec> = tensors.iter().map(|t| &raw const *t).collect();
        let n_in = facts.inputs.len();
        let desc = abi::FnDesc {
            size: size_of::<abi::FnDesc>() as u32,
            flags: facts.flags,
            ty: abi::Str::new(&facts.ty),
            name: abi::Str::new(&facts.name),
            n_in: n_in as u32,
            n_out: facts.outputs.len() as u32,
            inputs: pointers.as_ptr(),
            outputs: pointers[n_in..].as_ptr(),
            diff_in: facts.diff_in,
        };
        Self { desc, facts, _tensors: tensors, _pointers: pointers }
    }

    /// The description in the form of the ABI.
    pub fn desc(&self) -> DescRef<'_> {
        DescRef { raw: &raw const self.desc, owner: PhantomData }
    }

    /// The facts that were written.
    pub fn facts(&self) -> &FnFacts {
        &self.facts
    }
}
