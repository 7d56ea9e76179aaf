//! A plugin as its host calls it: the entry, and the nodes that it creates.

use crate::{CallRef, Facts, Fault, Inputs, Taken, descriptor, text};
use dreamwire_abi as abi;
use dreamwire_abi::field;
use std::ptr::NonNull;

/// The entry of a plugin that is never unloaded.
#[derive(Clone, Copy)]
pub struct EntryRef(NonNull<abi::Entry>);

// SAFETY: immutable static data; each function states its own rules for threads.
unsafe impl Send for EntryRef {}
// SAFETY: as above.
unsafe impl Sync for EntryRef {}

/// Why a node was not created.
pub struct NotCreated {
    /// A status of the ABI; OK if the plugin claims to have created the node.
    pub status: abi::Status,
    /// Whether the out parameter was set although the status says that nothing was created.
    pub touched: bool,
}

/// How a run ended.
pub struct Ran {
    /// A status of the ABI.
    pub status: abi::Status,
    /// One per output port, if it ended with OK or CANCELLED; else empty.
    pub outputs: Vec<Result<Taken, Fault>>,
    /// Output ports that were set although the status forbids it.
    pub touched: Vec<usize>,
}

impl EntryRef {
    /// Checks version and size.
    ///
    /// # Errors
    /// It is null, of another major, or too small.
    ///
    /// # Safety
    /// `entry` is the address of the symbol `dw_entry_v1` of a library that stays loaded, and of a plugin that keeps
    /// `dreamwire.h`.
    pub unsafe fn new(entry: *const abi::Entry) -> Result<Self, String> {
        let entry = NonNull::new(entry.cast_mut()).filter(|entry| entry.is_aligned());
        let entry = entry.ok_or_else(|| "its entry is null or not aligned".to_owned())?;
        let raw = entry.as_ptr().cast_const();
        // SAFETY: every entry starts with its size and version.
        let (size, major) =
            unsafe { ((&raw const (*raw).size).read(), (&raw const (*raw).abi_major).read()) };
        if major != abi::ABI_MAJOR {
            return Err(other_major(major));
        }
        let least = std::mem::offset_of!(abi::Entry, get_extension);
        if (size as usize) < least {
            return Err(format!("its entry has {size} bytes, the minimum of ABI {major} is {least}"));
        }
        Ok(Self(entry))
    }

    pub(crate) fn raw(self) -> *const abi::Entry {
        self.0.as_ptr()
    }

    /// Its descriptors, and every fault in them. Calls none of its functions.
    pub fn facts(self) -> Facts {
        // SAFETY: accepted by `new`.
        unsafe { descriptor::read(self.raw()) }
    }

    /// The kind at `index`, which [`EntryRef::facts`] has read.
    fn kind(self, index: usize) -> Option<NonNull<abi::Kind>> {
        // SAFETY: accepted by `new`; the index is inside the count.
        unsafe {
            let (count, kinds) = ((*self.raw()).n_kinds as usize, (*self.raw()).kinds);
            if kinds.is_null() || index >= count {
                None
            } else {
                NonNull::new((*kinds.add(index)).cast_mut())
            }
        }
    }

    /// The params schema of the kind at `index`, as text.
    ///
    /// # Errors
    /// There is no such kind or schema, or it is not text.
    pub fn schema(self, index: usize) -> Result<String, String> {
        let kind = self.kind(index).ok_or_else(|| format!("there is no kind #{index}"))?;
        // SAFETY: static, and read within its size; the function may be called at any time.
        unsafe {
            let schema =
                field!(kind.as_ptr(), abi::Kind, params_schema).ok_or("there is no params schema")?;
            text::read(schema(), text::SCHEMA).map_err(|why| format!("the params schema {why}"))
        }
    }

    /// Lets the kind at `index` judge complete params. `None` if it has no `check_params`.
    pub fn check_params(self, index: usize, call: CallRef<'_>, params: &str) -> Option<abi::Status> {
        let kind = self.kind(index)?;
        // SAFETY: static, and read within its size; the function is thread-safe, also before init.
        unsafe {
            let check = field!(kind.as_ptr(), abi::Kind, check_params)?;
            Some(check(call.raw(), abi::Str::new(params)))
        }
    }

    /// Calls `init`. No other thread may call it at the same time.
    pub fn init(self, host: &'static abi::Host, call: CallRef<'_>) -> abi::Status {
        // SAFETY: accepted by `new`; the call is live, the table static.
        unsafe { field!(self.raw(), abi::Entry, init).map_or(abi::OK, |init| init(host, call.raw())) }
    }

    /// Calls `deinit` and returns the number of objects alive. `None` if there is no such function. The plugin must
    /// not be in use.
    pub fn deinit(self) -> Option<u32> {
        // SAFETY: accepted by `new`.
        unsafe { field!(self.raw(), abi::Entry, deinit).map(|deinit| deinit()) }
    }

    /// Creates a node of a kind.
    ///
    /// # Errors
    /// No usable node was created.
    pub fn create(self, id: &str, call: CallRef<'_>) -> Result<NodeRef, NotCreated> {
        let mut raw: *mut abi::Node = std::ptr::null_mut();
        // SAFETY: accepted by `new`; the call is live, and the out parameter null on entry.
        let status = unsafe {
            field!(self.raw(), abi::Entry, create)
                .map_or(abi::E_UNSUPPORTED, |create| create(abi::Str::new(id), call.raw(), &raw mut raw))
        };
        if status != abi::OK {
            return Err(NotCreated { status, touched: !raw.is_null() });
        }
        // SAFETY: OK promises a node that is ours.
        unsafe { NodeRef::from_raw(raw) }.ok_or(NotCreated { status, touched: false })
    }
}

/// The message about another major version: "it uses ABI 2, this host supports 1".
pub fn other_major(major: u32) -> String {
    format!("it uses ABI {major}, this host supports {}", abi::ABI_MAJOR)
}

/// A node. Only [`NodeRef::destroy`] destroys it, not a drop: a node that panicked should be left alone.
pub struct NodeRef(NonNull<abi::Node>);

// SAFETY: a node may be used from any thread, by one at a time: it is not shared.
unsafe impl Send for NodeRef {}

impl NodeRef {
    /// `None` if it has no table, or no `run`.
    ///
    /// # Safety
    /// `raw` is null, or a node that is ours, of a plugin that keeps `dreamwire.h`.
    pub unsafe fn from_raw(raw: *mut abi::Node) -> Option<Self> {
        let raw = NonNull::new(raw)?;
        // SAFETY: alive; its table may be null.
        let usable = unsafe {
            let vt = (*raw.as_ptr()).vt;
            !vt.is_null() && field!(vt, abi::NodeVt, run).is_some()
        };
        usable.then_some(Self(raw))
    }

    /// Whether it can be destroyed.
    pub fn has_destroy(&self) -> bool {
        // SAFETY: alive; the table was seen.
        unsafe { field!((*self.0.as_ptr()).vt, abi::NodeVt, destroy).is_some() }
    }

    /// Runs it. There are as many inputs as its kind has ports, and `n_out` output ports.
    pub fn run(&mut self, call: CallRef<'_>, params: &str, inputs: &Inputs<'_>, n_out: usize) -> Ran {
        let mut values = vec![abi::Value::NONE; n_out];
        let node = self.0.as_ptr();
        // SAFETY: alive and exclusive; the call and all arrays live until `run` returns, and have the sizes of the
        // kind.
        let status = unsafe {
            field!((*node).vt, abi::NodeVt, run).map_or(abi::E_UNSUPPORTED, |run| {
                run(node, call.raw(), abi::Str::new(params), inputs.as_ptr(), values.as_mut_ptr())
            })
        };
        if status == abi::OK || status == abi::CANCELLED {
            // SAFETY: these statuses promise that what is set is ours.
            let outputs = values.iter().map(|value| unsafe { Taken::from_raw(value) }).collect();
            return Ran { status, outputs, touched: Vec::new() };
        }
        let set = |(index, value): (usize, &abi::Value)| (value.kind != abi::NONE).then_some(index);
        Ran { status, outputs: Vec::new(), touched: values.iter().enumerate().filter_map(set).collect() }
    }

    /// Destroys it.
    pub fn destroy(self) {
        // SAFETY: ours, destroyed once: `self` is gone.
        unsafe {
            if let Some(destroy) = field!((*self.0.as_ptr()).vt, abi::NodeVt, destroy) {
                destroy(self.0.as_ptr());
            }
        }
    }
}
