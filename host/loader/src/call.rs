//! A `dw_call` over [`Services`].

use crate::{host, outcome, tensor};
use dreamwire_abi as abi;
use dreamwire_engine::{Device, Failure, FailureKind, Services};
use std::ffi::{CStr, c_char, c_void};
use std::sync::{Mutex, PoisonError};

/// One call in progress; `dw_call.host` points here.
pub(crate) struct Context<'a> {
    services: &'a Services<'a>,
    provenance: abi::Str,
    // Names lent to the plugin until the call ends.
    names: Mutex<Vec<Box<str>>>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(services: &'a Services<'a>) -> Self {
        Self { services, provenance: abi::Str::new(services.provenance()), names: Mutex::default() }
    }

    pub(crate) fn call(&self, device: Device, threads: usize) -> abi::Call {
        let (device_type, device_id) = match device {
            Device::Cpu => (abi::DL_CPU, 0),
            Device::Cuda(ordinal) => (abi::DL_CUDA, ordinal as i32),
            Device::Metal => (abi::DL_METAL, 0),
        };
        abi::Call {
            size: size_of::<abi::Call>() as u32,
            flags: 0,
            host: (&raw const *self).cast_mut().cast(),
            progress: Some(progress),
            preview: Some(preview),
            fail: Some(fail),
            log: Some(log),
            read: Some(read),
            publish: Some(publish),
            get_extension: Some(get_extension),
            max_threads: u32::try_from(threads).unwrap_or(0),
            reserved: 0,
            device: abi::DLDevice { device_type, device_id },
            // CUDA: the per-thread default stream, which candle uses.
            stream: if matches!(device, Device::Cuda(_)) { 2 as *mut c_void } else { std::ptr::null_mut() },
        }
    }

    /// # Safety
    /// `call` was made by [`Context::call`] of a context that is alive.
    pub(crate) unsafe fn of<'c>(call: *const abi::Call) -> &'c Context<'c> {
        // SAFETY: the caller's promise; `host` was set there.
        unsafe { &*(*call).host.cast::<Context<'c>>() }
    }

    pub(crate) fn services(&self) -> &Services<'a> {
        self.services
    }
}

/// Text for people: never an error.
unsafe fn lossy(text: abi::Str) -> String {
    // SAFETY: borrowed for the call.
    unsafe { text.bytes() }.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
}

unsafe extern "C" fn progress(call: *const abi::Call, done: u64, total: u64, note: abi::Str) -> abi::Status {
    // SAFETY: plugins pass our call on unchanged; the text is borrowed for the call.
    let go_on = unsafe { Context::of(call).services.progress(done, total, &lossy(note)) };
    if go_on { abi::OK } else { abi::CANCELLED }
}

unsafe extern "C" fn preview(call: *const abi::Call, image: abi::View) {
    // SAFETY: as in `progress`; the view is alive for the call and is copied.
    unsafe {
        if let Ok(image) = tensor::copy(image) {
            Context::of(call).services.preview(image);
        }
    }
}

unsafe extern "C" fn fail(call: *const abi::Call, status: abi::Status, input: abi::Str, message: abi::Str) {
    // SAFETY: as in `progress`.
    unsafe {
        let message = lossy(message);
        // The SDK puts what to do about it behind the message.
        let (message, hint) = match message.rsplit_once("; hint: ") {
            Some((message, hint)) => (message.to_owned(), Some(hint.into())),
            None => (message, None),
        };
        let failure = Failure { hint, ..Failure::new(outcome::kind(status), message).at(lossy(input)) };
        Context::of(call).services.fail(failure);
    }
}

unsafe extern "C" fn log(call: *const abi::Call, level: i32, message: abi::Str) {
    // SAFETY: as in `progress`.
    unsafe { Context::of(call).services.log(host::level(level), &lossy(message)) };
}

unsafe extern "C" fn read(call: *const abi::Call, path: abi::Str, bytes: *mut abi::Owned) -> abi::Status {
    // SAFETY: as in `progress`; `bytes` is a valid out parameter.
    unsafe {
        match Context::of(call).services.read(&lossy(path)) {
            Ok(content) => {
                *bytes = tensor::lend_bytes(content);
                abi::OK
            }
            Err(_) => abi::E_IO,
        }
    }
}

unsafe extern "C" fn publish(
    call: *const abi::Call,
    template: abi::Str,
    bytes: abi::View,
    _media_type: abi::Str,
    final_name: *mut abi::Str,
) -> abi::Status {
    // SAFETY: as in `progress`; the view is alive for the call.
    unsafe {
        let context = Context::of(call);
        let content = match tensor::copy(bytes) {
            Ok(content) if content.dtype() == dreamwire_engine::Dtype::U8 => content,
            _ => {
                let message = "published something else than bytes";
                context.services.fail(Failure::new(FailureKind::Plugin, message));
                return abi::E_ARG;
            }
        };
        match context.services.publish(&lossy(template), content.bytes()) {
            Ok(name) => {
                let mut names = context.names.lock().unwrap_or_else(PoisonError::into_inner);
                names.push(name.into_boxed_str());
                if let (Some(name), false) = (names.last(), final_name.is_null()) {
                    *final_name = abi::Str::new(name);
                }
                abi::OK
            }
            Err(_) => abi::E_IO,
        }
    }
}

unsafe extern "C" fn get_extension(call: *const abi::Call, id: *const c_char) -> *const c_void {
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: a NUL-terminated id; the context is alive.
    unsafe {
        match CStr::from_ptr(id).to_bytes() {
            b"dw.provenance/1" => (&raw const Context::of(call).provenance).cast(),
            _ => std::ptr::null(),
        }
    }
}
