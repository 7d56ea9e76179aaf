//! Descriptors with every fault in them: the loader stops at the first, an author wants to hear of all.

use dreamwire_abi as abi;
use dreamwire_abi::field;

const MAX_KINDS: u32 = 1024;
const MAX_PORTS: u32 = 64;
const MAX_TEXT: usize = 1 << 20;

/// What a plugin says of itself without being run.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// `org.dreamwire.image`
    pub id: String,
    /// its own version
    pub version: String,
    /// what it says of its build
    pub build: String,
    /// bits that this ABI does not know
    pub flags: u32,
    /// its kinds, as far as they can be read
    pub kinds: Vec<KindFacts>,
    /// what cannot be read, and why
    pub faults: Vec<String>,
}

/// What a plugin says of a kind.
#[derive(Clone, Debug, Default)]
pub struct KindFacts {
    /// the class_type
    pub id: String,
    /// name for people
    pub title: String,
    /// where menus put it
    pub category: String,
    /// `KIND_*` of the ABI
    pub flags: u32,
    /// its input ports
    pub inputs: Vec<PortFacts>,
    /// its output ports
    pub outputs: Vec<PortFacts>,
}

/// What a plugin says of a port.
#[derive(Clone, Debug, Default)]
pub struct PortFacts {
    /// as in graph files
    pub name: String,
    /// one line for people
    pub doc: String,
    /// `OBJECTIVE|FEATURES`
    pub types: String,
    /// `PORT_*` of the ABI
    pub flags: u32,
}

/// # Safety
/// `entry` was accepted by [`crate::descriptor::identity`].
pub(super) unsafe fn read(entry: *const abi::Entry) -> Facts {
    let mut faults = Vec::new();
    // SAFETY: these fields lie inside the size that was accepted; counts and pointers are checked before they are used.
    let mut facts = unsafe {
        Facts {
            id: text((*entry).id, "the plugin's id", &mut faults),
            version: text((*entry).version, "the plugin's version", &mut faults),
            build: text((*entry).build, "the plugin's build", &mut faults),
            flags: (*entry).flags,
            ..Facts::default()
        }
    };
    // SAFETY: as above.
    let (count, list, can_create) =
        unsafe { ((*entry).n_kinds, (*entry).kinds, field!(entry, abi::Entry, create).is_some()) };
    if !can_create {
        faults.push("`create` is null".to_owned());
    }
    if count > MAX_KINDS || (count > 0 && list.is_null()) {
        let array = if list.is_null() { "a null array" } else { "an array" };
        faults.push(format!("it says that it has {count} kinds, in {array}; {MAX_KINDS} are allowed"));
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

/// The size is in every growing struct, at its start.
unsafe fn is_smaller<T>(pointer: *const T, least: usize) -> bool {
    // SAFETY: non-null, static, and starting with its size.
    unsafe { (pointer.cast::<u32>().read() as usize) < least }
}

unsafe fn kind(kind: *const abi::Kind, index: usize, faults: &mut Vec<String>) -> Option<KindFacts> {
    if kind.is_null() {
        faults.push(format!("kind #{index} is null"));
        return None;
    }
    let least = std::mem::offset_of!(abi::Kind, params_schema) + size_of::<usize>();
    // SAFETY: non-null, static, and as large as its size says, which is checked before the rest is read.
    unsafe {
        if is_smaller(kind, least) {
            let size = (&raw const (*kind).size).read();
            faults.push(format!("kind #{index} says that it has {size} bytes, the least is {least}"));
            return None;
        }
        let kind = &*kind;
        let id = text(kind.id, &format!("the id of kind #{index}"), faults);
        let of = |what: &str| format!("{what} of `{id}`");
        if kind.params_schema.is_none() {
            faults.push(format!("`{id}` has no `params_schema`"));
        }
        Some(KindFacts {
            title: text(kind.title, &of("the title"), faults),
            category: text(kind.category, &of("the category"), faults),
            flags: kind.flags,
            inputs: ports(kind.inputs, kind.n_in, &of("input"), faults),
            outputs: ports(kind.outputs, kind.n_out, &of("output"), faults),
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
        faults.push(format!("{what}: it says that there are {count}, in {array}; {MAX_PORTS} are allowed"));
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
                name: text(port.name, &of("name"), faults),
                doc: text(port.doc, &of("doc"), faults),
                types: text(port.ty, &of("type"), faults),
                flags: port.flags,
            });
        }
    }
    read
}

unsafe fn text(text: abi::Str, what: &str, faults: &mut Vec<String>) -> String {
    if text.len > MAX_TEXT {
        faults.push(format!("{what} has {} bytes, {MAX_TEXT} are allowed", text.len));
        return String::new();
    }
    if text.ptr.is_null() && text.len > 0 {
        faults.push(format!("{what} is null, with a length of {}", text.len));
        return String::new();
    }
    // SAFETY: static text, as the descriptor says, of a bounded length.
    match unsafe { text.text() } {
        Some(text) => text.to_owned(),
        None => {
            faults.push(format!("{what} is not UTF-8"));
            String::new()
        }
    }
}

/// # Safety
/// `entry` was accepted by [`crate::descriptor::identity`], and [`read`] found no fault.
pub(super) unsafe fn schema(entry: *const abi::Entry, index: usize) -> Result<String, String> {
    // SAFETY: the caller's promise; the index is inside the count.
    unsafe {
        if (*entry).kinds.is_null() || index >= (*entry).n_kinds as usize {
            return Err(format!("there is no kind #{index}"));
        }
        let kind = *(*entry).kinds.add(index);
        if kind.is_null() {
            return Err(format!("kind #{index} is null"));
        }
        let schema = field!(kind, abi::Kind, params_schema).ok_or("there is none")?;
        let mut faults = Vec::new();
        let schema = text(schema(), "the params schema", &mut faults);
        faults.pop().map_or(Ok(schema), Err)
    }
}
