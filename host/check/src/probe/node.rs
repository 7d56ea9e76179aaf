//! Nodes of a plugin: their inputs and outputs.

use super::function::Function;
use super::host::{Host, Published, State};
use super::hosted::HostFunction;
use super::tensor::{Array, Loan, Samples, receive};
use dreamwire_abi as abi;
use dreamwire_socket::{Fault, Given, Inputs, NodeRef, Said, Taken};

/// An instance of a kind.
pub(crate) struct Node(NodeRef);

/// The value of an input port.
#[derive(Clone)]
pub(crate) enum Supply {
    /// Nothing.
    None,
    /// IMAGE, MASK, ...
    Tensor(Array),
    /// A tensor of bytes of that shape, where numbers would be right.
    Bytes(Vec<usize>),
    /// FEATURES, ...
    Function(HostFunction),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// BOOLEAN.
    Bool(bool),
    /// STRING.
    Text(&'static str),
    /// The values of a MANY port.
    Many(Vec<Supply>),
}

/// The value that a node left in an output port.
pub(crate) enum Output {
    /// Nothing.
    None,
    /// BOOLEAN.
    Bool(bool),
    /// INT.
    Int(i64),
    /// FLOAT.
    Float(f64),
    /// STRING.
    Text(String),
    /// IMAGE, MASK, ...
    Tensor(Samples),
    /// FEATURES, ...
    Function(Function),
    /// An invalid value, and why.
    Broken(String),
}

/// How a run ended.
pub(crate) struct Ran {
    /// A status of the ABI.
    pub(crate) status: abi::Status,
    /// The failure that the node reported.
    pub(crate) said: Option<Said>,
    /// One per output port, if it ended with OK or CANCELLED; else empty.
    pub(crate) outputs: Vec<Output>,
    /// Output ports that were set although the status forbids it.
    pub(crate) touched: Vec<usize>,
    /// Input ports whose memory was written to.
    pub(crate) written: Vec<usize>,
    /// Files that it published.
    pub(crate) published: Vec<Published>,
    /// Faults of its previews and published bytes.
    pub(crate) complaints: Vec<String>,
    loans: Vec<(usize, Loan)>,
}

impl Ran {
    /// Overwrites the inputs of this run, which has ended, with NaN: they must not be read any more.
    pub(crate) fn poison_inputs(&mut self) {
        self.loans.iter_mut().for_each(|(_, loan)| loan.poison());
    }
}

impl Node {
    pub(super) fn new(node: NodeRef) -> Self {
        Self(node)
    }

    /// Whether it can be destroyed.
    pub(crate) fn has_destroy(&self) -> bool {
        self.0.has_destroy()
    }

    /// Runs it. `inputs` has one entry per input port, and there are `n_out` output ports.
    pub(crate) fn run(&mut self, host: &Host, params: &str, inputs: &[Supply], n_out: usize) -> Ran {
        let mut loans = Vec::new();
        let given = inputs.iter().enumerate();
        let given = given.map(|(port, supply)| give(supply, port, host.state(), &mut loans)).collect();
        let inputs = Inputs::new(given);
        let (ran, said) = host.call(|call| self.0.run(call, params, &inputs, n_out));
        drop(inputs);
        let mut written: Vec<usize> =
            loans.iter().filter(|(_, loan)| loan.is_changed()).map(|(port, _)| *port).collect();
        written.dedup();
        Ran {
            status: ran.status,
            said,
            outputs: ran.outputs.into_iter().map(take).collect(),
            touched: ran.touched,
            written,
            published: host.take_published(),
            complaints: host.take_complaints(),
            loans,
        }
    }

    /// Destroys it. One that panicked should be left alone.
    pub(crate) fn destroy(self) {
        self.0.destroy();
    }
}

fn give(
    supply: &Supply,
    port: usize,
    state: &'static State,
    loans: &mut Vec<(usize, Loan)>,
) -> Given<'static> {
    let mut lend = |loan: Loan| {
        let tensor = loan.tensor;
        loans.push((port, loan));
        Given::Watched(tensor)
    };
    match supply {
        Supply::None => Given::None,
        Supply::Tensor(array) => lend(Loan::of(array, state)),
        Supply::Bytes(shape) => lend(Loan::bytes_of_shape(shape, state)),
        Supply::Function(function) => Given::Function(function.handle()),
        Supply::Int(i) => Given::Int(*i),
        Supply::Float(f) => Given::Float(*f),
        Supply::Bool(b) => Given::Bool(*b),
        Supply::Text(text) => Given::Text(text),
        Supply::Many(many) => Given::Many(many.iter().map(|one| give(one, port, state, loans)).collect()),
    }
}

fn take(taken: Result<Taken, Fault>) -> Output {
    match taken {
        Ok(Taken::None) => Output::None,
        Ok(Taken::Bool(b)) => Output::Bool(b),
        Ok(Taken::Int(i)) => Output::Int(i),
        Ok(Taken::Float(f)) => Output::Float(f),
        Ok(Taken::Text(text)) => Output::Text(text),
        Ok(Taken::Tensor(owned)) => receive(owned).map_or_else(Output::Broken, Output::Tensor),
        Ok(Taken::Function(function)) => {
            Function::new(function).map_or_else(Output::Broken, Output::Function)
        }
        Err(fault) => Output::Broken(fault.message),
    }
}
