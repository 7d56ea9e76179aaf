//! A plugin seen from outside: every call is an observation, and what comes out is plain data: statuses, words, copies of
//! tensors, counts of what was freed and how often.
//!
//! What the plugin gets from here (inputs, host functions, the `dw_call`) stays in memory for ever, so that a plugin which
//! keeps a pointer or frees something twice is seen and counted instead of felt. So this is for short-lived processes:
//! nothing in here can survive a plugin that crashes, hangs or exits, and nothing tries to. The raw calls are those of
//! [`dreamwire_socket`].

mod function;
mod host;
mod hosted;
mod model;
mod node;
mod tensor;

use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;
use dreamwire_loader::Opened;
use dreamwire_socket::{Facts, HostCall};
use std::path::Path;

pub(crate) use function::{Function, Tape};
pub(crate) use host::{Balance, Host};
pub(crate) use hosted::HostFunction;
pub(crate) use model::Model;
pub(crate) use node::{Node, Output, Ran, Supply};
pub(crate) use tensor::{Array, Samples};

/// The thread budget of every call.
const THREADS: usize = 2;

/// A plugin whose library is open.
pub(crate) struct Plugin {
    opened: Opened,
}

/// A call that did not do what it was asked.
pub(crate) struct Refused {
    /// A status of the ABI.
    pub(crate) status: abi::Status,
    /// What the plugin said of it.
    pub(crate) said: Option<dreamwire_socket::Said>,
    /// An out parameter was set although the status says that nothing was made.
    pub(crate) touched: bool,
}

impl Plugin {
    /// Opens a copy of the library. Only its initialisers run.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        Opened::open(path, THREADS).map(|opened| Self { opened })
    }

    /// What its descriptors say, and every fault in them. Calls nothing of it.
    pub(crate) fn facts(&self) -> Facts {
        self.opened.entry().facts()
    }

    /// Its kinds as a run would see them; the error is the first fault.
    pub(crate) fn kinds(&self) -> Result<Vec<KindInfo>, String> {
        self.opened.kinds()
    }

    /// The params schema of the kind at `index`, as text.
    pub(crate) fn schema(&self, index: usize) -> Result<String, String> {
        self.opened.entry().schema(index)
    }

    /// Calls `init`.
    pub(crate) fn start(&self, host: &Host) -> Result<(), Refused> {
        let (status, said) = host.call(|call| self.opened.entry().init(dreamwire_loader::host_table(), call));
        if status == abi::OK { Ok(()) } else { Err(Refused { status, said, touched: false }) }
    }

    /// Calls `deinit` and returns the number of objects alive. `None` if the plugin has no such function.
    pub(crate) fn stop(&self) -> Option<u32> {
        self.opened.entry().deinit()
    }

    /// Calls `create` with the id of one of its kinds, or of none.
    pub(crate) fn create(&self, host: &Host, id: &str) -> Result<Node, Refused> {
        let (made, said) = host.call(|call| self.opened.entry().create(id, call));
        made.map(Node::new).map_err(|not| Refused { status: not.status, said, touched: not.touched })
    }

    /// Calls `check_params` of the kind at `index`, in a call without files. `None` if it has no such function.
    pub(crate) fn check_params(&self, index: usize, params: &str) -> Option<Result<(), Refused>> {
        // A host of its own: this may be called from several threads.
        let host = Host::new();
        let call = HostCall::new(&host).threads(THREADS).without_files();
        let status = self.opened.entry().check_params(index, call.call(), params)?;
        let refused = |status| Refused { status, said: host.take_said(), touched: false };
        Some(if status == abi::OK { Ok(()) } else { Err(refused(status)) })
    }
}
