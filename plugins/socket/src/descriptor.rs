//! Reads a plugin's descriptors, and every fault in them, without running it. Nothing is trusted. A host that needs one
//! reason takes the first fault; an author wants all.

use crate::text;
use dreamwire_abi as abi;
use dreamwire_abi::field;

const MAX_KINDS: u32 = 1024;
const MAX_PORTS: u32 = 64;

/// The descriptor of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// `org.dreamwire.image`.
    pub id: String,
    /// Its own version.
    pub version: String,
    /// Its own description of its build.
    pub build: String,
    /// Flags that this ABI does not know.
    pub flags: u32,
    /// Its kinds, as far as they can be read.
    pub kinds: Vec<KindFacts>,
    /// What cannot be read, and why.
    pub faults: Vec<String>,
}

/// The descriptor of a kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KindFacts {
    /// Its index in the plugin's list.
    pub index: usize,
    /// The class_type.
    pub id: String,
    /// The version of its meaning.
    pub version: u32,
    /// The name for people.
    pub title: String,
    /// Its category in menus.
    pub category: String,
    /// `KIND_*` of the ABI.
    pub flags: u32,
    /// Its input ports.
    pub inputs: Vec<PortFacts>,
    /// Its output ports.
    pub outputs: Vec<PortFacts>,
}

/// The descriptor of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortFacts {
    /// The name in graph files.
    pub name: String,
    /// One line for people.
    pub doc: String,
    /// The types: `OBJECTIVE|FEATURES`.
    pub types: String,
    /// `PORT_*` of the ABI.
    pub flags: u32,
}

impl PortFacts {
    /// The types one by one, without blanks.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.split('|').map(str::trim)
    }
}

/// # Safety
/// `entry` is of this major version, large enough for an entry, and static.
pub(crate) unsafe fn read(entry: *const abi::Entry) -> Facts {
    let mut faults = Vec::new();
    // SAFETY: these fields lie inside the size that was accepted; counts and pointers are checked before they are used.
    let mut facts = unsafe {
        Facts {
            id: copy((*entry).id, text::NAME, "the plugin's id", &mut faults),
            version: copy((*entry).version, text::LINE, "the plugin's version", &mut faults),
            build: copy((*entry).build, text::LINE, "the plugin's build", &mut faults),
            flags: (*entry).flags,
            ..Facts::default()
        }
    };
    // SAFETY: as above.
    let (count, list, can_create) =
        unsafe { ((*entry).n_kinds, (*entry).kinds, field!(entry, abi::Entry, create).is_some()) };
    if !can_create {
        faults.push("it cannot create nodes: `create` is null".to_owned());
    }
    if count > MAX_KINDS || (count > 0 && list.is_null()) {
        let array = if list.is_null() { "a null array" } else { "an array" };
        faults.push(format!("it declares {count} kinds, in {array}; at most {MAX_KINDS} are allowed"));
    } else {
        for index in 0..count as usize {
            // SAFETY: `count` pointers, as the entry says; each is checked.
            let read = unsafe { kind(*list.add(index), index, &mut faults) };
            facts.kinds.extend(read);
        }
    }
    facts.faults = faults;
    facts
}

/// Every growing struct starts with its size.
unsafe fn is_smaller<T>(pointer: *const T, least: usize) -> bool {
    // SAFETY: non-null, static, and starting with its size.
    unsafe { (pointer.cast::<u32>().read() as usize) < least }
}

unsafe fn kind(kind: *const abi::Kind, index: usize, faults: &mut Vec<String>) -> Option<KindFacts> {
    if kind.is_null() {
        faults.push(format!("its kind #{index} is null"));
        return None;
    }
    let least = std::mem::offset_of!(abi::Kind, params_schema) + size_of::<usize>();
    // SAFETY: non-null, static, and as large as its size says, which is checked before the rest is read. What may lie
    // behind it is read by `field!` only.
    unsafe {
        if is_smaller(kind, least) {
            let size = (&raw const (*kind).size).read();
            faults.push(format!("its kind #{index} declares {size} bytes, the minimum is {least}"));
            return None;
        }
        let id = copy((*kind).id, text::NAME, &format!("the id of its kind #{index}"), faults);
        let name = if id.is_empty() { format!("its kind #{index}") } else { format!("`{id}`") };
        let of = |what: &str| format!("{what} of {name}");
        if (*kind).params_schema.is_none() {
            faults.push(format!("{name} has no params schema: `params_schema` is null"));
        }
        Some(KindFacts {
            index,
            version: (*kind).version,
            title: copy((*kind).title, text::LINE, &of("the title"), faults),
            category: copy((*kind).category, text::LINE, &of("the category"), faults),
            flags: (*kind).flags,
            inputs: ports((*kind).inputs, (*kind).n_in, &of("input"), faults),
            outputs: ports((*kind).outputs, (*kind).n_out, &of("output"), faults),
            id,
        })
    }
}

unsafe fn ports(
    list: *const *const abi::Port,
    count: u32,
    what: &str,
    faults: &mut Vec<String>,
) -> Vec<PortFacts> {
    if count > MAX_PORTS || (count > 0 && list.is_null()) {
        let array = if list.is_null() { "a null array" } else { "an array" };
        faults.push(format!("{what}: it declares {count}, in {array}; at most {MAX_PORTS} are allowed"));
        return Vec::new();
    }
    let mut read = Vec::new();
    for index in 0..count as usize {
        // SAFETY: `count` pointers, as the descriptor says; each is checked before it is read.
        unsafe {
            let port = *list.add(index);
            if port.is_null() || is_smaller(port, size_of::<abi::Port>()) {
                faults.push(format!("{what} #{index} is null or too small"));
                continue;
            }
            let port = &*port;
            let of = |part: &str| format!("the {part} of {what} #{index}");
            read.push(PortFacts {
                name: copy(port.name, text::NAME, &of("name"), faults),
                doc: copy(port.doc, text::DOC, &of("doc"), faults),
                types: copy(port.ty, text::NAME, &of("type"), faults),
                flags: port.flags,
            });
        }
    }
    read
}

unsafe fn copy(text: abi::Str, most: usize, what: &str, faults: &mut Vec<String>) -> String {
    // SAFETY: static text, as the descriptor says.
    unsafe { text::read(text, most) }.unwrap_or_else(|why| {
        faults.push(format!("{what} {why}"));
        String::new()
    })
}
