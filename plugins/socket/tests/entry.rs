//! A plugin of static data, read and run as a host does it.

use dreamwire_abi as abi;
use dreamwire_socket::{
    CallHost, DeviceFacts, Dtype, EntryRef, Given, HostCall, Inputs, Said, Taken, lend, other_major,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

#[derive(Default)]
struct Host(Mutex<Option<Said>>);

impl CallHost for Host {
    fn fail(&self, said: Said) {
        *self.0.lock().unwrap() = Some(said);
    }
}

static ALIVE: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn schema() -> abi::Str {
    abi::Str::new("{}")
}

unsafe extern "C" fn check_params(_: *const abi::Call, params: abi::Str) -> abi::Status {
    // SAFETY: alive for the call.
    if unsafe { params.text() } == Some("{}") { abi::OK } else { abi::E_ARG }
}

unsafe extern "C" fn destroy(node: *mut abi::Node) {
    // SAFETY: made by `create`.
    drop(unsafe { Box::from_raw(node) });
    ALIVE.fetch_sub(1, Ordering::SeqCst);
}

/// Gives back how many values it got, a text, and the first number of its tensor; `[]` as params is refused.
unsafe extern "C" fn run(
    _: *mut abi::Node,
    _: *const abi::Call,
    params: abi::Str,
    inputs: *const abi::Value,
    outputs: *mut abi::Value,
) -> abi::Status {
    // SAFETY: two inputs and three outputs, as the kind says.
    unsafe {
        if params.text() == Some("[]") {
            (*outputs).kind = abi::I64;
            return abi::E_ARG;
        }
        let (many, tensor) = (&*inputs, &*inputs.add(1));
        *outputs = abi::Value { kind: abi::I64, flags: 0, u: abi::ValueUnion { i: (*many.u.list).n as i64 } };
        let (_, last) = ((), &*(*many.u.list).items.add(1));
        *outputs.add(1) = abi::Value { kind: abi::STRING, flags: 0, u: abi::ValueUnion { s: last.u.s } };
        let first = *(*tensor.u.t).dl_tensor.data.cast::<f32>();
        *outputs.add(2) = abi::Value { kind: abi::F64, flags: 0, u: abi::ValueUnion { f: f64::from(first) } };
        *outputs.add(3) = abi::Value { kind: 99, ..abi::Value::NONE };
    }
    abi::OK
}

static NODE: abi::NodeVt = abi::NodeVt {
    size: size_of::<abi::NodeVt>() as u32,
    flags: 0,
    destroy: Some(destroy),
    run: Some(run),
    get_extension: None,
};

unsafe extern "C" fn create(id: abi::Str, _: *const abi::Call, out: *mut *mut abi::Node) -> abi::Status {
    // SAFETY: alive for the call, and a valid out parameter.
    unsafe {
        if id.text() != Some("Mix") {
            return abi::E_UNSUPPORTED;
        }
        *out = Box::into_raw(Box::new(abi::Node { vt: &raw const NODE }));
    }
    ALIVE.fetch_add(1, Ordering::SeqCst);
    abi::OK
}

unsafe extern "C" fn deinit() -> u32 {
    ALIVE.load(Ordering::SeqCst)
}

fn port(name: &'static str) -> abi::Port {
    abi::Port {
        size: size_of::<abi::Port>() as u32,
        flags: abi::PORT_OPTIONAL,
        name: abi::Str::new(name),
        doc: abi::Str::EMPTY,
        ty: abi::Str::new("OBJECTIVE | FEATURES"),
    }
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn kind(id: abi::Str, ports: &[&'static abi::Port]) -> abi::Kind {
    let pointers: Vec<*const abi::Port> = ports.iter().map(|port| std::ptr::from_ref(*port)).collect();
    abi::Kind {
        size: size_of::<abi::Kind>() as u32,
        flags: abi::KIND_PURE,
        id,
        version: 3,
        n_in: ports.len() as u32,
        n_out: 0,
        reserved: 0,
        inputs: leak(pointers).as_ptr(),
        outputs: std::ptr::null(),
        title: abi::Str::new("Mix"),
        category: abi::Str::EMPTY,
        params_schema: Some(schema),
        check_params: Some(check_params),
    }
}

fn entry(kinds: Vec<*const abi::Kind>) -> abi::Entry {
    let kinds = leak(kinds);
    abi::Entry {
        size: size_of::<abi::Entry>() as u32,
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        flags: 0,
        id: abi::Str::new("org.example.mix"),
        version: abi::Str::new("1"),
        build: abi::Str::EMPTY,
        init: None,
        deinit: Some(deinit),
        n_kinds: kinds.len() as u32,
        reserved: 0,
        kinds: kinds.as_ptr(),
        create: Some(create),
        get_extension: None,
    }
}

fn opened(entry: abi::Entry) -> Result<EntryRef, String> {
    // SAFETY: static from now on, and what it points to is.
    unsafe { EntryRef::new(leak(entry)) }
}

#[test]
fn a_plugin_is_read_run_and_ended() {
    let (a, b) = (leak(port("a")), leak(port("b")));
    let entry = opened(entry(vec![leak(kind(abi::Str::new("Mix"), &[a, b]))])).unwrap();
    let facts = entry.facts();
    assert!(facts.faults.is_empty(), "{:?}", facts.faults);
    assert_eq!(
        (facts.id.as_str(), facts.kinds[0].id.as_str(), facts.kinds[0].version),
        ("org.example.mix", "Mix", 3)
    );
    assert_eq!(facts.kinds[0].inputs[1].types().collect::<Vec<_>>(), ["OBJECTIVE", "FEATURES"]);
    assert_eq!(entry.schema(0).as_deref(), Ok("{}"));
    assert_eq!(entry.schema(1), Err("there is no kind #1".to_owned()));
    let host = Host::default();
    let call = HostCall::new(&host);
    assert_eq!(entry.check_params(0, call.call(), "{}"), Some(abi::OK));
    assert_eq!(entry.check_params(0, call.call(), "[]"), Some(abi::E_ARG));
    let refused = entry.create("Blur", call.call()).err().unwrap();
    assert_eq!((refused.status, refused.touched), (abi::E_UNSUPPORTED, false));
    let mut node = entry.create("Mix", call.call()).ok().unwrap();
    assert!(node.has_destroy() && entry.deinit() == Some(1));
    let text = "words".to_owned();
    let many = Given::Many(vec![Given::Int(1), Given::Text(&text)]);
    let tensor = lend(Dtype::F32, vec![1], vec![0.5f32]).unwrap();
    let inputs = Inputs::new(vec![many, Given::Tensor(tensor)]);
    let ran = node.run(call.call(), "{}", &inputs, 4);
    assert_eq!(ran.status, abi::OK);
    assert!(matches!(ran.outputs[0], Ok(Taken::Int(2))));
    assert!(matches!(&ran.outputs[1], Ok(Taken::Text(text)) if text == "words"));
    assert!(matches!(ran.outputs[2], Ok(Taken::Float(0.5))));
    assert!(matches!(&ran.outputs[3], Err(fault) if fault.message.contains("kind 99")));
    let ran = node.run(call.call(), "[]", &inputs, 4);
    assert_eq!((ran.status, ran.outputs.len(), ran.touched), (abi::E_ARG, 0, vec![0]));
    node.destroy();
    assert_eq!(entry.deinit(), Some(0));
}

#[test]
fn a_kind_of_minor_0_has_no_opinion_of_its_params() {
    let mut old = kind(abi::Str::new("Old"), &[]);
    old.size = std::mem::offset_of!(abi::Kind, check_params) as u32;
    let entry = opened(entry(vec![leak(old)])).unwrap();
    assert!(entry.facts().faults.is_empty());
    let host = Host::default();
    assert_eq!(entry.check_params(0, HostCall::new(&host).call(), "{}"), None);
}

#[test]
fn an_entry_of_another_size_or_major_is_refused() {
    // SAFETY: null is refused.
    assert!(unsafe { EntryRef::new(std::ptr::null()) }.is_err());
    let small = abi::Entry { size: 16, ..entry(Vec::new()) };
    assert!(opened(small).err().unwrap().contains("its entry has 16 bytes"));
    let other = abi::Entry { abi_major: 2, ..entry(Vec::new()) };
    assert_eq!(opened(other).err(), Some(other_major(2)));
}

/// Faults: B5.
#[test]
fn every_fault_of_a_descriptor_is_told() {
    let endless = leak("a".repeat(16 << 20));
    let mut many = kind(abi::Str::new("Many"), &[]);
    many.n_in = 4_000_000_000;
    let mut bare = kind(abi::Str::new("Bare"), &[leak(abi::Port { size: 8, ..port("p") })]);
    bare.params_schema = None;
    bare.title = abi::Str { ptr: std::ptr::null(), len: 7 };
    let small = abi::Kind { size: 16, ..kind(abi::Str::new("Small"), &[]) };
    let kinds = vec![
        std::ptr::null(),
        std::ptr::from_ref(leak(kind(abi::Str::new(endless), &[]))),
        leak(many),
        leak(bare),
        leak(small),
    ];
    let facts = opened(abi::Entry {
        create: None,
        id: abi::Str { ptr: b"\xff".as_ptr().cast(), len: 1 },
        ..entry(kinds)
    })
    .unwrap()
    .facts();
    let expected = [
        "the plugin's id is not UTF-8 text",
        "it cannot create nodes: `create` is null",
        "its kind #0 is null",
        "the id of its kind #1 has 16777216 bytes, at most 256 are allowed",
        "input of `Many`: it declares 4000000000, in an array; at most 64 are allowed",
        "`Bare` has no params schema: `params_schema` is null",
        "the title of `Bare` is null, with a length of 7",
        "input of `Bare` #0 is null or too small",
        "its kind #4 declares 16 bytes, the minimum is",
    ];
    assert_eq!(facts.faults.len(), expected.len(), "{:#?}", facts.faults);
    for (fault, expected) in facts.faults.iter().zip(expected) {
        assert!(fault.starts_with(expected), "{fault}");
    }
    assert_eq!(facts.kinds.iter().map(|kind| kind.index).collect::<Vec<_>>(), [1, 2, 3]);
    let too_many = abi::Entry { n_kinds: 4_000_000_000, ..entry(Vec::new()) };
    assert!(opened(too_many).unwrap().facts().faults[0].contains("it declares 4000000000 kinds"));
}

unsafe extern "C" fn probe(
    _: *const abi::Call,
    device: abi::DLDevice,
    info: *mut abi::DeviceInfo,
) -> abi::Status {
    if device.device_type != abi::DL_CUDA {
        return abi::E_UNSUPPORTED;
    }
    // SAFETY: a valid out parameter.
    unsafe { ((*info).name, (*info).total, (*info).free) = (abi::Str::new("Test"), 8, 5) };
    abi::OK
}

static TYPES: [i32; 1] = [abi::DL_CUDA];
const GOOD: abi::Devices = abi::Devices {
    size: size_of::<abi::Devices>() as u32,
    n_types: 1,
    types: TYPES.as_ptr(),
    probe: Some(probe),
};
static DEVICES: abi::Devices = GOOD;
static SMALL: abi::Devices = abi::Devices { size: 8, ..GOOD };
static ENDLESS: abi::Devices = abi::Devices { n_types: 4_000_000_000, ..GOOD };
static WITHOUT_PROBE: abi::Devices = abi::Devices { probe: None, ..GOOD };

/// An entry whose extensions are that table, whatever is asked for.
macro_rules! with_extension {
    ($table:expr) => {{
        unsafe extern "C" fn get(_: *const std::ffi::c_char) -> *const std::ffi::c_void {
            (&raw const $table).cast()
        }
        opened(abi::Entry { get_extension: Some(get), ..entry(Vec::new()) }).unwrap()
    }};
}

#[test]
fn a_plugin_says_which_devices_it_was_built_for() {
    assert!(opened(entry(Vec::new())).unwrap().devices().unwrap().is_none());
    let devices = with_extension!(DEVICES).devices().unwrap().unwrap();
    assert_eq!(devices.types(), [abi::DL_CUDA]);
    let host = Host::default();
    let call = HostCall::new(&host);
    let of = |device_type| devices.probe(abi::DLDevice { device_type, device_id: 0 }, call.call());
    assert_eq!(of(abi::DL_CUDA), Ok(DeviceFacts { name: "Test".to_owned(), total: 8, free: 5 }));
    assert_eq!(of(99), Err(abi::E_UNSUPPORTED));
}

/// Faults: B5.
#[test]
fn a_table_of_devices_that_cannot_be_read_is_refused() {
    let why = |entry: EntryRef| entry.devices().err().unwrap();
    assert!(why(with_extension!(SMALL)).contains("`dw.devices/1` has 8 bytes"));
    assert!(why(with_extension!(ENDLESS)).contains("declares 4000000000 types"));
    assert!(why(with_extension!(WITHOUT_PROBE)).contains("has no `probe`"));
}
