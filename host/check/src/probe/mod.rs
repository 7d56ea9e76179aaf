//! Observes a plugin from outside: every call returns plain data, such as statuses, messages, copies of tensors and
//! counts of releases.
//!
//! Everything that the plugin gets (inputs, host functions, the `dw_call`) is leaked, so that a pointer that is kept or
//! freed twice is detected and does no damage. So this is for short-lived processes: nothing here survives a plugin
//! that crashes, hangs or exits. [`dreamwire_socket`] makes the raw calls.

mod function;
mod host;
mod hosted;
mod model;
mod node;
mod tensor;

use dreamwire_abi as abi;
use dreamwire_graph::KindInfo;
use dreamwire_loader::Opened;
use dreamwire_socket::{DeviceFacts, DevicesRef, Facts, HostCall};
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

/// A call that failed.
pub(crate) struct Refused {
    /// A status of the ABI.
    pub(crate) status: abi::Status,
    /// The failure that the plugin reported.
    pub(crate) said: Option<dreamwire_socket::Said>,
    /// Whether an out parameter was set although the status says that nothing was created.
    pub(crate) touched: bool,
}

impl Plugin {
    /// Opens a copy of the library. Only its initialisers run.
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        Opened::open(path, THREADS).map(|opened| Self { opened })
    }

    /// Its descriptors, and every fault in them. Calls none of its functions.
    pub(crate) fn facts(&self) -> Facts {
        self.opened.entry().facts()
    }

    /// Its kinds, as in a run; the error is the first fault.
    pub(crate) fn kinds(&self) -> Result<Vec<KindInfo>, String> {
        self.opened.kinds()
    }

    /// The params schema of the kind at `index`, as text.
    pub(crate) fn schema(&self, index: usize) -> Result<String, String> {
        self.opened.entry().schema(index)
    }

    /// What it says of devices. `None` if it says nothing.
    pub(crate) fn devices(&self) -> Result<Option<DevicesRef>, String> {
        self.opened.entry().devices()
    }

    /// Asks whether a device works, in a call without files.
    pub(crate) fn probe(&self, devices: DevicesRef, device: abi::DLDevice) -> Result<DeviceFacts, Refused> {
        let host = Host::new();
        let call = HostCall::new(&host).threads(THREADS).without_files();
        let found = devices.probe(device, call.call());
        found.map_err(|status| Refused { status, said: host.take_said(), touched: false })
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

    /// Calls `create` with the id of a kind, or an unknown id.
    pub(crate) fn create(&self, host: &Host, id: &str) -> Result<Node, Refused> {
        let (made, said) = host.call(|call| self.opened.entry().create(id, call));
        made.map(Node::new).map_err(|not| Refused { status: not.status, said, touched: not.touched })
    }

    /// Calls `check_params` of the kind at `index`, in a call without files. `None` if it has no such function.
    pub(crate) fn check_params(&self, index: usize, params: &str) -> Option<Result<(), Refused>> {
        // Its own host, because this may be called from several threads.
        let host = Host::new();
        let call = HostCall::new(&host).threads(THREADS).without_files();
        let status = self.opened.entry().check_params(index, call.call(), params)?;
        let refused = |status| Refused { status, said: host.take_said(), touched: false };
        Some(if status == abi::OK { Ok(()) } else { Err(refused(status)) })
    }
}
