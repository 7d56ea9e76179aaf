//! A plugin seen from outside, for whoever examines one (`dreamwire plugin check`).
//!
//! The rest of this crate trusts a plugin as far as a user must; here every call is an observation. All raw calls are in
//! here, and what comes out is plain data: statuses, words, copies of tensors, counts of what was freed and how often.
//!
//! What the plugin gets from here (inputs, host functions, the `dw_call`) stays in memory for ever, so that a plugin which
//! keeps a pointer or frees something twice is seen and counted instead of felt. So this is for short-lived processes:
//! nothing in here can survive a plugin that crashes, hangs or exits, and nothing tries to.

mod descriptor;
mod foreign;
mod hosted;
mod model;
mod node;
mod session;
mod tensor;

use crate::descriptor::Identity;
use crate::library::Library;
use crate::{environment, host};
use dreamwire_abi as abi;
use dreamwire_abi::field;
use dreamwire_graph::KindInfo;
use std::path::Path;

pub use descriptor::{Facts, KindFacts, PortFacts};
pub use foreign::{Described, Evaluated, Foreign, ForeignTape, Pulled, Spec, Tiles, Valued};
pub use hosted::HostFunction;
pub use model::Model;
pub use node::{Node, Output, Ran, Supply};
pub use session::{Balance, Published, Said, Session};
pub use tensor::{Array, Samples};

/// The thread budget of every call.
const THREADS: usize = 2;

/// A plugin whose library is open.
pub struct Plugin {
    entry: *const abi::Entry,
    identity: Identity,
}

/// How a call without a result ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// a status of the ABI
    pub status: abi::Status,
    /// what the plugin said of it
    pub said: Option<Said>,
}

/// A node that was not made.
#[derive(Clone, Debug)]
pub struct NotCreated {
    /// a status of the ABI; OK if the plugin claims to have made it
    pub status: abi::Status,
    /// what the plugin said of it
    pub said: Option<Said>,
    /// the out parameter was set although the status says that nothing was made
    pub touched: bool,
}

impl Plugin {
    /// Opens a copy of the library and reads who it says it is. Only its initialisers run.
    ///
    /// # Errors
    /// The file cannot be read or opened, exports no entry, or the entry is of another ABI or too small.
    pub fn open(path: &Path) -> Result<Self, String> {
        environment::set_threads(THREADS);
        let bytes = std::fs::read(path).map_err(|e| format!("it cannot be read: {e}"))?;
        let library = Library::open(path, &bytes, &blake3::hash(&bytes))?;
        let entry = library.entry();
        // SAFETY: the address of the symbol of a library that is never unloaded.
        let identity = unsafe { crate::descriptor::identity(entry) }?;
        Ok(Self { entry, identity })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.identity.id
    }

    /// What its descriptors say, and every fault in them. Calls nothing of it.
    pub fn facts(&self) -> Facts {
        // SAFETY: the entry was accepted by `open`.
        unsafe { descriptor::read(self.entry) }
    }

    /// Its kinds as a run would see them; their schemas are asked for.
    ///
    /// # Errors
    /// The first fault that would keep the host from using the plugin.
    pub fn kinds(&self) -> Result<Vec<KindInfo>, String> {
        // SAFETY: the entry was accepted by `open`.
        unsafe { crate::descriptor::kinds(self.entry, &self.identity, "") }
    }

    /// The params schema of the kind at `index`, as text.
    ///
    /// # Errors
    /// There is no such kind or schema, or it is not text.
    pub fn schema(&self, index: usize) -> Result<String, String> {
        // SAFETY: the entry was accepted by `open`.
        unsafe { descriptor::schema(self.entry, index) }
    }

    /// Calls `init`.
    pub fn start(&self, session: &Session) -> Ended {
        // SAFETY: the entry was accepted, the call is live, the host table is static.
        let (status, said) = session.call(|call| unsafe {
            field!(self.entry, abi::Entry, init).map_or(abi::OK, |init| init(host::table(), call))
        });
        Ended { status, said }
    }

    /// Calls `deinit`: the objects that it counts as alive. `None` if the plugin has no such function.
    pub fn stop(&self) -> Option<u32> {
        // SAFETY: the entry was accepted; whoever examines has started it and runs nothing else now.
        unsafe { field!(self.entry, abi::Entry, deinit).map(|deinit| deinit()) }
    }

    /// Calls `create` with the id of one of its kinds, or of none.
    ///
    /// # Errors
    /// No usable node was made.
    pub fn create(&self, session: &Session, id: &str) -> Result<Node, NotCreated> {
        let mut raw: *mut abi::Node = std::ptr::null_mut();
        let out = &raw mut raw;
        // SAFETY: the entry was accepted, the call is live, the out parameter is null on entry.
        let (status, said) = session.call(|call| unsafe {
            field!(self.entry, abi::Entry, create)
                .map_or(abi::E_UNSUPPORTED, |create| create(abi::Str::new(id), call, out))
        });
        let node = if status == abi::OK { Node::new(raw) } else { None };
        node.ok_or(NotCreated { status, said, touched: status != abi::OK && !raw.is_null() })
    }
}
