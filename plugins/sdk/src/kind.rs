//! Kinds as constants: the descriptors that the host lists without creating anything.

use crate::Node;
use dreamwire_abi as abi;
use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A connectable input or output of a kind; made by [`port`].
#[repr(transparent)]
pub struct Port(pub(crate) abi::Port);

/// A port with its name in graph files and its type (`"IMAGE"`, or several: `"OBJECTIVE|FEATURES"`).
pub const fn port(name: &'static str, ty: &'static str) -> Port {
    Port(abi::Port {
        size: size_of::<abi::Port>() as u32,
        flags: 0,
        name: abi::Str::new(name),
        doc: abi::Str::EMPTY,
        ty: abi::Str::new(ty),
    })
}

impl Port {
    /// One line for display.
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.0.doc = abi::Str::new(doc);
        self
    }

    /// An input that may stay unconnected; an output that may be empty
    /// ([`Outputs::none`](crate::Outputs::none)).
    pub const fn optional(mut self) -> Self {
        self.0.flags |= abi::PORT_OPTIONAL;
        self
    }

    /// It takes any number of links: `name.0`, `name.1`, ...
    pub const fn many(mut self) -> Self {
        self.0.flags |= abi::PORT_MANY;
        self
    }

    /// Its first axis counts rows, such as the pictures of a batch, and row i of each output depends on row i of these
    /// inputs, bit for bit, and on all of the other inputs. The host may then run the node on some rows at a
    /// time. Rows are split only if all outputs have this, too. The first such input has all rows, others as
    /// many or one for all.
    pub const fn rows(mut self) -> Self {
        self.0.flags |= abi::PORT_ROWS;
        self
    }

    pub(crate) fn name(&self) -> &'static str {
        // SAFETY: made from a `&'static str` by `port`.
        unsafe { self.0.name.text() }.unwrap_or_default()
    }
}

/// A kind: id, version of meaning, ports. The params come from [`Node::Params`].
pub struct Kind {
    pub(crate) id: &'static str,
    version: u32,
    flags: u32,
    title: &'static str,
    category: &'static str,
    pub(crate) inputs: &'static [Port],
    pub(crate) outputs: &'static [Port],
}

impl Kind {
    /// A pure kind without ports. `version` is the version of its *meaning*: increment it when results
    /// change.
    pub const fn new(id: &'static str, version: u32) -> Self {
        Self { id, version, flags: abi::KIND_PURE, title: id, category: "", inputs: &[], outputs: &[] }
    }

    /// The display name, if it is not the id.
    #[must_use]
    pub const fn title(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    /// The menu category.
    #[must_use]
    pub const fn category(mut self, category: &'static str) -> Self {
        self.category = category;
        self
    }

    /// Input ports, at most 16.
    #[must_use]
    pub const fn inputs(mut self, inputs: &'static [Port]) -> Self {
        self.inputs = inputs;
        self
    }

    /// Output ports, at most 16.
    #[must_use]
    pub const fn outputs(mut self, outputs: &'static [Port]) -> Self {
        self.outputs = outputs;
        self
    }

    /// It runs even if nothing consumes it: it saves or shows something.
    #[must_use]
    pub const fn output(mut self) -> Self {
        self.flags |= abi::KIND_OUTPUT;
        self
    }

    /// Its results depend on more than inputs, params, seed and files: never cached.
    #[must_use]
    pub const fn impure(mut self) -> Self {
        self.flags &= !abi::KIND_PURE;
        self
    }

    /// An instance carries state from run to run, such as the last frame: never cached.
    #[must_use]
    pub const fn stateful(mut self) -> Self {
        self.flags |= abi::KIND_STATEFUL;
        self
    }
}

const MAX_PORTS: usize = 16;
static NO_PORT: abi::Port = port("", "").0;

const fn pointers(ports: &'static [Port]) -> [*const abi::Port; MAX_PORTS] {
    assert!(ports.len() <= MAX_PORTS, "a kind has at most 16 input and 16 output ports");
    let mut out = [&raw const NO_PORT; MAX_PORTS];
    let mut i = 0;
    while i < ports.len() {
        out[i] = &raw const ports[i].0;
        i += 1;
    }
    out
}

/// The descriptor of a node type, as a constant.
pub(crate) struct Descriptor<N>(std::marker::PhantomData<N>);

impl<N: Node> Descriptor<N> {
    const INPUTS: &'static [*const abi::Port; MAX_PORTS] = &pointers(N::KIND.inputs);
    const OUTPUTS: &'static [*const abi::Port; MAX_PORTS] = &pointers(N::KIND.outputs);
    pub(crate) const KIND: &'static abi::Kind = &abi::Kind {
        size: size_of::<abi::Kind>() as u32,
        flags: N::KIND.flags,
        id: abi::Str::new(N::KIND.id),
        version: N::KIND.version,
        n_in: N::KIND.inputs.len() as u32,
        n_out: N::KIND.outputs.len() as u32,
        reserved: 0,
        inputs: Self::INPUTS.as_ptr(),
        outputs: Self::OUTPUTS.as_ptr(),
        title: abi::Str::new(N::KIND.title),
        category: abi::Str::new(N::KIND.category),
        params_schema: Some(params_schema::<N>),
        check_params: Some(crate::node::check_params::<N>),
    };
}

unsafe extern "C" fn params_schema<N: Node>() -> abi::Str {
    // Requested a few times per process; each schema is made once and never freed.
    static SCHEMAS: Mutex<Option<HashMap<TypeId, &'static str>>> = Mutex::new(None);
    let made = std::panic::catch_unwind(|| {
        let mut schemas = SCHEMAS.lock().unwrap_or_else(PoisonError::into_inner);
        *schemas.get_or_insert_default().entry(TypeId::of::<N>()).or_insert_with(|| {
            let schema = schemars::schema_for!(N::Params);
            Box::leak(serde_json::Value::from(schema).to_string().into_boxed_str())
        })
    });
    abi::Str::new(made.unwrap_or(""))
}
