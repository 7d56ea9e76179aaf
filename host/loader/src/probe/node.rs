//! Nodes: what goes in, what comes out.

use super::foreign::Foreign;
use super::hosted::HostFunction;
use super::session::{Published, Said, Session, State};
use super::tensor::{Array, Held, Loan, Samples, receive};
use dreamwire_abi as abi;
use dreamwire_abi::field;

/// An instance of a kind.
pub struct Node {
    raw: *mut abi::Node,
}

/// What is connected to an input port.
#[derive(Clone)]
pub enum Supply {
    /// nothing
    None,
    /// IMAGE, MASK, ...
    Tensor(Array),
    /// a tensor of bytes of that shape, where numbers would be right
    Bytes(Vec<usize>),
    /// FEATURES, ...
    Function(HostFunction),
    /// INT
    Int(i64),
    /// FLOAT
    Float(f64),
    /// BOOLEAN
    Bool(bool),
    /// STRING
    Text(&'static str),
    /// the values of a MANY port
    Many(Vec<Supply>),
}

/// What a node left in an output port.
pub enum Output {
    /// nothing
    None,
    /// BOOLEAN
    Bool(bool),
    /// INT
    Int(i64),
    /// FLOAT
    Float(f64),
    /// STRING
    Text(String),
    /// IMAGE, MASK, ...
    Tensor(Samples),
    /// FEATURES, ...
    Function(Foreign),
    /// something that it is not, and why
    Broken(String),
}

/// How a run ended.
pub struct Ran {
    /// a status of the ABI
    pub status: abi::Status,
    /// what the node said of it
    pub said: Option<Said>,
    /// one per output port, if it ended with OK or CANCELLED; else empty
    pub outputs: Vec<Output>,
    /// output ports that were set although the status says that none is
    pub touched: Vec<usize>,
    /// input ports whose memory was written to
    pub written: Vec<usize>,
    /// files that it published
    pub published: Vec<Published>,
    /// what was wrong with its previews and published bytes
    pub complaints: Vec<String>,
    loans: Vec<(usize, Loan)>,
}

impl Ran {
    /// Writes NaN over the inputs of this run, which is over: nobody may read them any more.
    pub fn poison_inputs(&mut self) {
        self.loans.iter_mut().for_each(|(_, loan)| loan.poison());
    }
}

impl Node {
    pub(super) fn new(raw: *mut abi::Node) -> Option<Self> {
        // SAFETY: null, or made by `create`; a node without a table or `run` is none.
        let usable = unsafe {
            !raw.is_null() && !(*raw).vt.is_null() && field!((*raw).vt, abi::NodeVt, run).is_some()
        };
        usable.then_some(Self { raw })
    }

    /// Whether it can be destroyed.
    pub fn has_destroy(&self) -> bool {
        // SAFETY: alive; `new` has seen the table.
        unsafe { field!((*self.raw).vt, abi::NodeVt, destroy).is_some() }
    }

    /// Runs it. `inputs` has one entry per input port, and there are `n_out` output ports.
    pub fn run(&self, session: &Session, params: &str, inputs: &[Supply], n_out: usize) -> Ran {
        let mut lent = Lent { state: session.state, port: 0, loans: Vec::new(), lists: Vec::new() };
        let mut values = Vec::with_capacity(inputs.len());
        for (port, supply) in inputs.iter().enumerate() {
            lent.port = port;
            values.push(lent.lend(supply));
        }
        let mut outputs = vec![abi::Value::NONE; n_out];
        let out = outputs.as_mut_ptr();
        let (status, said) = session.call(|call| {
            // SAFETY: alive and exclusive; the call and all arrays live until `run` returns, and the caller knows the ports.
            unsafe {
                field!((*self.raw).vt, abi::NodeVt, run).map_or(abi::E_UNSUPPORTED, |run| {
                    run(self.raw, call, abi::Str::new(params), values.as_ptr(), out)
                })
            }
        });
        let may_set = status == abi::OK || status == abi::CANCELLED;
        let set = |(index, value): (usize, &abi::Value)| (value.kind != abi::NONE).then_some(index);
        let touched = if may_set { Vec::new() } else { outputs.iter().enumerate().filter_map(set).collect() };
        // SAFETY: these statuses promise that what is set is ours.
        let taken = |value: &abi::Value| unsafe { take(value) };
        let outputs = if may_set { outputs.iter().map(taken).collect() } else { Vec::new() };
        let mut written: Vec<usize> =
            lent.loans.iter().filter(|(_, loan)| loan.is_changed()).map(|(port, _)| *port).collect();
        written.dedup();
        Ran {
            status,
            said,
            outputs,
            touched,
            written,
            published: session.take_published(),
            complaints: session.take_complaints(),
            loans: lent.loans,
        }
    }

    /// Destroys it. One that panicked is better left alone.
    pub fn destroy(self) {
        // SAFETY: made by `create`, destroyed once: `self` is gone.
        unsafe {
            if let Some(destroy) = field!((*self.raw).vt, abi::NodeVt, destroy) {
                destroy(self.raw);
            }
        }
    }
}

/// The inputs of one run.
struct Lent {
    state: &'static State,
    port: usize,
    loans: Vec<(usize, Loan)>,
    // Boxed lists stay where they are when the vector grows.
    lists: Vec<(Box<abi::List>, Vec<abi::Value>)>,
}

impl Lent {
    fn lend(&mut self, supply: &Supply) -> abi::Value {
        let (kind, u) = match supply {
            Supply::None => return abi::Value::NONE,
            Supply::Tensor(array) => {
                (abi::TENSOR, abi::ValueUnion { t: self.loan(Held::of(array, self.state)) })
            }
            Supply::Bytes(shape) => {
                (abi::TENSOR, abi::ValueUnion { t: self.loan(Held::bytes_of_shape(shape, self.state)) })
            }
            Supply::Function(function) => (abi::FUNCTION, abi::ValueUnion { func: function.raw() }),
            Supply::Int(i) => (abi::I64, abi::ValueUnion { i: *i }),
            Supply::Float(f) => (abi::F64, abi::ValueUnion { f: *f }),
            Supply::Bool(b) => (abi::BOOL, abi::ValueUnion { i: i64::from(*b) }),
            Supply::Text(text) => (abi::STRING, abi::ValueUnion { s: abi::Str::new(text) }),
            Supply::Many(many) => {
                let items: Vec<abi::Value> = many.iter().map(|one| self.lend(one)).collect();
                let list = Box::new(abi::List { n: items.len() as u64, items: items.as_ptr() });
                let raw = &raw const *list;
                self.lists.push((list, items));
                (abi::LIST, abi::ValueUnion { list: raw })
            }
        };
        abi::Value { kind, flags: 0, u }
    }

    fn loan(&mut self, held: Box<Held>) -> abi::Owned {
        let loan = Loan::new(held);
        let raw = loan.raw();
        self.loans.push((self.port, loan));
        raw
    }
}

/// # Safety
/// The kind says which field holds, and what it holds is ours.
unsafe fn take(value: &abi::Value) -> Output {
    // SAFETY: the caller's promise.
    unsafe {
        match value.kind {
            abi::NONE => Output::None,
            abi::BOOL => Output::Bool(value.u.i != 0),
            abi::I64 => Output::Int(value.u.i),
            abi::F64 => Output::Float(value.u.f),
            abi::STRING => match value.u.s.text() {
                Some(text) => Output::Text(text.to_owned()),
                None => Output::Broken("a text is not UTF-8".to_owned()),
            },
            abi::TENSOR => receive(value.u.t).map_or_else(Output::Broken, Output::Tensor),
            abi::FUNCTION => Foreign::take(value.u.func).map_or_else(Output::Broken, Output::Function),
            other => Output::Broken(format!("a value has the unknown kind {other}")),
        }
    }
}
