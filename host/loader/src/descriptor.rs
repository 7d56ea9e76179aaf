//! Reading what a plugin says of itself, with bounds: nothing in it is believed.

use dreamwire_abi as abi;
use dreamwire_abi::field;
use dreamwire_graph::{KindInfo, Params, Port};

const MAX_KINDS: u32 = 1024;
const MAX_PORTS: u32 = 64;
const MAX_TEXT: usize = 1 << 20;

/// Who a plugin says it is.
pub(crate) struct Identity {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) build: String,
}

/// Checks version and size, then reads id and version.
///
/// # Safety
/// `entry` is the address of the symbol `dw_entry_v1` of a library that stays loaded.
pub(crate) unsafe fn identity(entry: *const abi::Entry) -> Result<Identity, String> {
    if entry.is_null() || !entry.is_aligned() {
        return Err("its entry is not where it should be".to_owned());
    }
    // SAFETY: every entry starts with its size and version.
    let (size, major) =
        unsafe { ((&raw const (*entry).size).read(), (&raw const (*entry).abi_major).read()) };
    if major != abi::ABI_MAJOR {
        return Err(crate::library::other_major(major));
    }
    let least = std::mem::offset_of!(abi::Entry, get_extension);
    if (size as usize) < least {
        return Err(format!("its entry has {size} bytes, the least of ABI {major} is {least}"));
    }
    // SAFETY: these fields lie inside the size that was just checked.
    unsafe {
        Ok(Identity {
            id: text((*entry).id, "the plugin's id")?,
            version: text((*entry).version, "the plugin's version")?,
            build: text((*entry).build, "the plugin's build")?,
        })
    }
}

/// Reads every kind.
///
/// # Safety
/// As [`identity`], which has accepted the entry.
pub(crate) unsafe fn kinds(
    entry: *const abi::Entry,
    identity: &Identity,
    file: &str,
) -> Result<Vec<KindInfo>, String> {
    // SAFETY: the entry was accepted; counts and pointers are checked before they are used.
    unsafe {
        let (n, list) = ((*entry).n_kinds, (*entry).kinds);
        if n > MAX_KINDS || (n > 0 && list.is_null()) {
            return Err(format!("it says that it has {n} kinds"));
        }
        if (*entry).create.is_none() {
            return Err("it cannot create nodes".to_owned());
        }
        (0..n as usize)
            .map(|index| {
                let kind = *list.add(index);
                if kind.is_null() {
                    return Err(format!("its kind #{index} is null"));
                }
                read_kind(kind, identity, file).map_err(|why| format!("its kind #{index}: {why}"))
            })
            .collect()
    }
}

unsafe fn read_kind(kind: *const abi::Kind, identity: &Identity, file: &str) -> Result<KindInfo, String> {
    // SAFETY: non-null and static; the size says how far it may be read.
    unsafe {
        let size = (&raw const (*kind).size).read() as usize;
        if size < std::mem::offset_of!(abi::Kind, params_schema) + size_of::<usize>() {
            return Err(format!("it has {size} bytes, too few for a kind"));
        }
        let kind_ref = &*kind;
        let id = text(kind_ref.id, "the id")?;
        if id.is_empty() {
            return Err("it has no id".to_owned());
        }
        let name = |what: &str| format!("{what} of `{id}`");
        let inputs = ports(kind_ref.inputs, kind_ref.n_in, &name("an input"))?;
        let outputs = ports(kind_ref.outputs, kind_ref.n_out, &name("an output"))?;
        let schema =
            field!(kind, abi::Kind, params_schema).ok_or_else(|| format!("`{id}` has no params schema"))?;
        let schema = text(schema(), &name("the params schema"))?;
        let schema = serde_json::from_str(&schema)
            .map_err(|e| format!("the params schema of `{id}` is no JSON: {e}"))?;
        let (params, doc) =
            Params::parse(&schema).map_err(|e| format!("the params schema of `{id}`: {e}"))?;
        let flag = |bit: u32| kind_ref.flags & bit != 0;
        Ok(KindInfo {
            version: kind_ref.version,
            plugin: identity.id.clone(),
            file: file.to_owned(),
            title: text(kind_ref.title, &name("the title"))?,
            category: text(kind_ref.category, &name("the category"))?,
            doc,
            inputs,
            outputs,
            params,
            pure_: flag(abi::KIND_PURE),
            output: flag(abi::KIND_OUTPUT),
            stateful: flag(abi::KIND_STATEFUL),
            id,
        })
    }
}

unsafe fn ports(list: *const *const abi::Port, n: u32, what: &str) -> Result<Vec<Port>, String> {
    if n > MAX_PORTS || (n > 0 && list.is_null()) {
        return Err(format!("{what}: it says that there are {n}"));
    }
    // SAFETY: `n` pointers, as the descriptor says; each is checked.
    let read = |index: usize| unsafe {
        let port = *list.add(index);
        if port.is_null() || ((&raw const (*port).size).read() as usize) < size_of::<abi::Port>() {
            return Err(format!("{what}: #{index} is null or too small"));
        }
        let types = text((*port).ty, what)?
            .split('|')
            .map(|t| t.trim().to_owned())
            .filter(|t| !t.is_empty())
            .collect();
        Ok(Port {
            name: text((*port).name, what)?,
            doc: text((*port).doc, what)?,
            types,
            optional: (*port).flags & abi::PORT_OPTIONAL != 0,
            many: (*port).flags & abi::PORT_MANY != 0,
        })
    };
    (0..n as usize).map(read).collect()
}

unsafe fn text(text: abi::Str, what: &str) -> Result<String, String> {
    if text.len > MAX_TEXT {
        return Err(format!("{what} has {} bytes", text.len));
    }
    // SAFETY: static text, as the descriptor says, of a bounded length.
    let text = unsafe { text.text() };
    text.map(str::to_owned).ok_or_else(|| format!("{what} is not UTF-8 text"))
}
