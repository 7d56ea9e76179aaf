//! Both sides of a `dw_call`, and a host that is older than the plugin.

use dreamwire_abi as abi;
use dreamwire_socket::{CallHost, CallRef, Dtype, Fault, HostCall, Owned, Said, TensorView, lend};
use std::sync::Mutex;

#[derive(Default)]
struct Host {
    heard: Mutex<Vec<String>>,
    said: Mutex<Option<Said>>,
}

impl Host {
    fn hear(&self, what: impl Into<String>) {
        self.heard.lock().unwrap().push(what.into());
    }
}

impl CallHost for Host {
    fn fail(&self, said: Said) {
        *self.said.lock().unwrap() = Some(said);
    }

    fn progress(&self, done: u64, total: u64, note: &str) -> bool {
        assert!(done != 99, "a host that panics");
        self.hear(format!("{done} of {total} {note}"));
        done < total
    }

    fn preview(&self, image: Result<TensorView<'_>, Fault>) {
        self.hear(format!("preview {:?}", image.unwrap().shape()));
    }

    fn log(&self, level: i32, message: &str) {
        self.hear(format!("log {level} {message}"));
    }

    fn read(&self, path: &str) -> Result<Owned, abi::Status> {
        if path != "a.bin" {
            return Err(abi::E_IO);
        }
        lend(Dtype::U8, vec![3], vec![1u8, 2, 3]).map_err(|fault| fault.status)
    }

    fn head(&self, path: &str, most: u64) -> Result<(Owned, u64), abi::Status> {
        let (bytes, length) = (self.read(path)?, 3);
        let first = bytes.view().unwrap().elements::<u8>().unwrap()[..most.min(3) as usize].to_vec();
        lend(Dtype::U8, vec![first.len() as i64], first)
            .map(|head| (head, length))
            .map_err(|fault| fault.status)
    }

    fn publish(&self, template: &str, bytes: Result<TensorView<'_>, Fault>) -> Result<String, abi::Status> {
        self.hear(format!("publish {template} {:?}", bytes.unwrap().bytes()));
        Ok(format!("{template}.1"))
    }

    fn provenance(&self) -> Option<&str> {
        Some("{}")
    }

    fn first_row(&self) -> Option<u64> {
        Some(7)
    }
}

/// A host that has nothing to say.
struct Silent;

impl CallHost for Silent {
    fn fail(&self, _: Said) {}
}

fn said() -> Said {
    Said {
        status: abi::E_ARG,
        input: "rate".to_owned(),
        message: "too high".to_owned(),
        hint: Some("take 1".to_owned()),
    }
}

#[test]
fn everything_arrives_on_the_other_side() {
    let host = Host::default();
    let held = HostCall::new(&host).threads(3);
    let call = held.call();
    assert!(call.progress(1, 2, "half"));
    assert!(!call.progress(2, 2, ""));
    call.preview(&lend(Dtype::F32, vec![1, 1, 1, 1], vec![0.5f32]).unwrap());
    call.log(2, "odd");
    assert_eq!(call.read("a.bin").unwrap().view().unwrap().elements::<u8>().unwrap(), [1, 2, 3]);
    assert_eq!(call.read("b.bin").err(), Some(abi::E_IO));
    let (head, length) = call.head("a.bin", 2).unwrap().unwrap();
    assert_eq!((head.view().unwrap().elements::<u8>().unwrap(), length), (vec![1, 2], 3));
    assert_eq!(call.head("b.bin", 2).err(), Some(abi::E_IO));
    assert_eq!(call.publish("x", b"hi", "text/plain").unwrap(), "x.1");
    assert_eq!(call.publish("y", b"", "text/plain").unwrap(), "y.1");
    assert_eq!(call.provenance().as_deref(), Some("{}"));
    assert_eq!((call.first_row(), HostCall::new(&Silent).call().first_row()), (7, 0));
    assert_eq!((call.max_threads(), call.device().device_type), (3, abi::DL_CPU));
    call.fail(&said());
    assert_eq!(*host.said.lock().unwrap(), Some(said()));
    // SAFETY: this host's call.
    assert!(std::ptr::eq(unsafe { HostCall::<Host>::host_of(call) }, &host));
    let heard = ["1 of 2 half", "2 of 2 ", "preview [1, 1, 1, 1]", "log 2 odd", "publish x Some([104, 105])"];
    assert_eq!(host.heard.lock().unwrap()[..5], heard);
    // Cancelled is what a plugin makes of a host that panics.
    assert!(!call.progress(99, 100, ""));
}

#[test]
fn a_call_without_files_gives_none() {
    let host = Host::default();
    let held = HostCall::new(&host).without_files();
    assert_eq!(held.call().read("a.bin").err(), Some(abi::E_UNSUPPORTED));
    assert!(held.call().head("a.bin", 2).unwrap().is_none());
    assert_eq!(held.call().publish("x", b"hi", "").err(), Some(abi::E_UNSUPPORTED));
}

#[test]
fn a_device_brings_its_stream() {
    let host = Host::default();
    let cuda = abi::DLDevice { device_type: abi::DL_CUDA, device_id: 1 };
    let held = HostCall::new(&host).device(cuda);
    assert_eq!(held.call().device(), cuda);
    // SAFETY: alive.
    assert_eq!(unsafe { (*held.call().raw()).stream } as usize, 2);
}

#[test]
fn a_host_of_minor_0_hears_the_hint_behind_the_message() {
    unsafe extern "C" fn fail(
        call: *const abi::Call,
        status: abi::Status,
        input: abi::Str,
        message: abi::Str,
    ) {
        // SAFETY: the test's own call, with texts that are alive.
        unsafe {
            let heard = &*(*call).host.cast::<Mutex<String>>();
            let (input, message) = (input.text().unwrap(), message.text().unwrap());
            *heard.lock().unwrap() = format!("{status} {input} {message}");
        }
    }
    let heard = Mutex::new(String::new());
    let call = abi::Call {
        // It ends before `fail_with`.
        size: std::mem::offset_of!(abi::Call, fail_with) as u32,
        flags: 0,
        host: (&raw const heard).cast_mut().cast(),
        progress: None,
        preview: None,
        fail: Some(fail),
        log: None,
        read: None,
        publish: None,
        get_extension: None,
        max_threads: 0,
        reserved: 0,
        device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
        stream: std::ptr::null_mut(),
        fail_with: None,
    };
    // SAFETY: alive until the end.
    let call = unsafe { CallRef::from_raw(&raw const call) }.unwrap();
    call.fail(&said());
    assert_eq!(*heard.lock().unwrap(), "-4 rate too high; hint: take 1");
    call.fail(&Said::new(abi::E_FAILED, "no"));
    assert_eq!(*heard.lock().unwrap(), "-1  no");
    // What it does not have is not missed.
    assert!(call.progress(1, 2, "") && call.provenance().is_none());
    assert_eq!(call.read("x").err(), Some(abi::E_UNSUPPORTED));
    assert!(call.head("x", 2).unwrap().is_none());
    // SAFETY: null is none.
    assert!(unsafe { CallRef::from_raw(std::ptr::null()) }.is_none());
}
