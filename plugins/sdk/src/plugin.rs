//! The entry of a plugin: its kinds, its start and its end.

use crate::guard::{guard, install_panic_hook, status};
use crate::kind::Descriptor;
use crate::node::{self, LIVE};
use crate::{Error, Node, allocator, device, pool};
use dreamwire_abi as abi;
use dreamwire_socket::CallRef;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::Ordering;

/// A kind and how an instance of it is created; see [`Factory::of`].
pub struct Factory {
    kind: &'static abi::Kind,
    id: &'static str,
    create: fn() -> *mut abi::Node,
}

impl Factory {
    /// The factory of a node type.
    pub const fn of<N: Node>() -> Self {
        Self { kind: Descriptor::<N>::KIND, id: N::KIND.id, create: node::create::<N> }
    }
}

/// A plugin; [`plugin!`](crate::plugin) implements it.
pub trait Plugin: 'static {
    /// `"org.dreamwire.image"`.
    const ID: &'static str;
    /// The crate's version.
    const VERSION: &'static str;
    /// Its kinds.
    const FACTORIES: &'static [Factory];
}

const MAX_KINDS: usize = 64;

struct Table<P>(std::marker::PhantomData<P>);

impl<P: Plugin> Table<P> {
    const KINDS: &'static [*const abi::Kind; MAX_KINDS] = &{
        assert!(!P::FACTORIES.is_empty() && P::FACTORIES.len() <= MAX_KINDS, "a plugin has 1 to 64 kinds");
        let mut kinds = [&raw const *P::FACTORIES[0].kind; MAX_KINDS];
        let mut i = 0;
        while i < P::FACTORIES.len() {
            kinds[i] = &raw const *P::FACTORIES[i].kind;
            i += 1;
        }
        kinds
    };
}

/// The entry of a plugin. Tests link several statically; only the library exports one.
pub const fn entry<P: Plugin>() -> abi::Entry {
    abi::Entry {
        size: size_of::<abi::Entry>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        flags: 0,
        id: abi::Str::new(P::ID),
        version: abi::Str::new(P::VERSION),
        build: abi::Str::new(BUILD),
        init: Some(init),
        deinit: Some(deinit),
        n_kinds: P::FACTORIES.len() as u32,
        reserved: 0,
        kinds: Table::<P>::KINDS.as_ptr(),
        create: Some(create::<P>),
        get_extension: Some(extension),
    }
}

/// For logs and metadata; the host adds the hash of the library's bytes.
const BUILD: &str = if cfg!(feature = "cuda") {
    concat!("dreamwire-sdk ", env!("CARGO_PKG_VERSION"), "; candle 0.11; cuda")
} else if cfg!(feature = "metal") {
    concat!("dreamwire-sdk ", env!("CARGO_PKG_VERSION"), "; candle 0.11; metal")
} else {
    concat!("dreamwire-sdk ", env!("CARGO_PKG_VERSION"), "; candle 0.11; cpu")
};

unsafe extern "C" fn extension(id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: a text that ends in NUL, as the header says.
    match unsafe { CStr::from_ptr(id) } {
        id if id == abi::DEVICES => (&raw const device::DEVICES).cast(),
        _ => std::ptr::null(),
    }
}

unsafe extern "C" fn init(_: *const abi::Host, _: *const abi::Call) -> abi::Status {
    // Each plugin has its own copy of std, and so its own hook.
    match std::panic::catch_unwind(install_panic_hook) {
        Ok(()) => abi::OK,
        Err(_) => abi::E_PANIC,
    }
}

unsafe extern "C" fn deinit() -> u32 {
    let _ = std::panic::catch_unwind(|| {
        pool::shut_down();
        device::close();
        allocator::release();
    });
    LIVE.load(Ordering::Relaxed)
}

unsafe extern "C" fn create<P: Plugin>(
    id: abi::Str,
    call: *const abi::Call,
    out: *mut *mut abi::Node,
) -> abi::Status {
    // SAFETY: the host keeps its call alive until this returns.
    let Some(call) = (unsafe { CallRef::from_raw(call) }) else { return abi::E_ARG };
    let raw = crate::guard::Sendable((id, out));
    status(guard(call, move |_| {
        let (id, out) = raw.get();
        // SAFETY: the host keeps `id` alive for the call.
        let wanted = unsafe { id.text() }.unwrap_or_default();
        let factory = P::FACTORIES.iter().find(|f| f.id == wanted);
        let factory =
            factory.ok_or_else(|| Error::failed(format!("plugin {} has no kind `{wanted}`", P::ID)))?;
        // SAFETY: a valid out parameter.
        unsafe { *out = (factory.create)() };
        Ok(())
    }))
}

/// Names a plugin and its kinds, and exports the one symbol that the host looks for.
///
/// ```text
/// dreamwire_sdk::plugin!("org.example.mix", Mix, Negative);
/// ```
#[macro_export]
macro_rules! plugin {
    ($id:literal, $($node:ty),+ $(,)?) => {
        struct ThisPlugin;
        impl $crate::Plugin for ThisPlugin {
            const ID: &'static str = $id;
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");
            const FACTORIES: &'static [$crate::Factory] = &[$($crate::Factory::of::<$node>()),+];
        }

        /// The one exported symbol.
        #[unsafe(no_mangle)]
        #[allow(non_upper_case_globals)]
        pub static dw_entry_v1: $crate::abi::Entry = $crate::entry::<ThisPlugin>();
    };
}
