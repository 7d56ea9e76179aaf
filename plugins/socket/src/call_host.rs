//! A `dw_call` for the other side, over one trait.

use crate::{CallRef, Fault, Owned, Said, TensorView, text};
use dreamwire_abi as abi;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

/// A host's answers during a call, on any thread. The defaults support nothing.
pub trait CallHost: Sync {
    /// Reports why the call fails. The first report is nearest to the cause.
    fn fail(&self, said: Said);

    /// Reports progress. Returns false if the callee should stop soon.
    fn progress(&self, _done: u64, _total: u64, _note: &str) -> bool {
        true
    }

    /// An intermediate IMAGE, or why it is invalid.
    fn preview(&self, _image: Result<TensorView<'_>, Fault>) {}

    /// Writes a line to the log, at level 1 error, 2 warn, 3 info, 4 debug or 5 trace.
    fn log(&self, _level: i32, _message: &str) {}

    /// Reads a file, as `u8[n]`.
    ///
    /// # Errors
    /// A status below 0, after the host has recorded why.
    fn read(&self, _path: &str) -> Result<Owned, abi::Status> {
        Err(abi::E_UNSUPPORTED)
    }

    /// Reads the first bytes of a file, at most `most`, as `u8[n]`, and finds the length of all of it.
    ///
    /// # Errors
    /// As [`CallHost::read`].
    fn head(&self, _path: &str, _most: u64) -> Result<(Owned, u64), abi::Status> {
        Err(abi::E_UNSUPPORTED)
    }

    /// Publishes bytes, or hears why they are invalid; returns the name.
    ///
    /// # Errors
    /// As [`CallHost::read`].
    fn publish(&self, _template: &str, _bytes: Result<TensorView<'_>, Fault>) -> Result<String, abi::Status> {
        Err(abi::E_UNSUPPORTED)
    }

    /// The text of the running graph.
    fn provenance(&self) -> Option<&str> {
        None
    }

    /// The index in the whole batch of the first row that the callee has, if it has some of the rows.
    fn first_row(&self) -> Option<u64> {
        None
    }
}

/// One call in progress.
#[repr(C)]
pub struct HostCall<'a, H> {
    // First, so that a pointer to it is one to the whole.
    raw: abi::Call,
    host: &'a H,
    provenance: abi::Str,
    head: abi::Head,
    rows: Option<abi::Rows>,
    // Names lent to the plugin until the call ends.
    names: Mutex<Vec<Box<str>>>,
}

// SAFETY: `raw` is never written after it was made, and its pointers are null, numbers, or a device's stream.
unsafe impl<H: CallHost> Sync for HostCall<'_, H> {}

impl<'a, H: CallHost> HostCall<'a, H> {
    /// A call on the CPU with as many threads as the machine has.
    pub fn new(host: &'a H) -> Self {
        let raw = abi::Call {
            size: size_of::<abi::Call>() as u32,
            flags: 0,
            host: std::ptr::null_mut(),
            progress: Some(progress::<H>),
            preview: Some(preview::<H>),
            fail: Some(fail::<H>),
            log: Some(log::<H>),
            read: Some(read::<H>),
            publish: Some(publish::<H>),
            get_extension: Some(get_extension::<H>),
            max_threads: 0,
            reserved: 0,
            device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
            stream: std::ptr::null_mut(),
            fail_with: Some(fail_with::<H>),
        };
        let provenance = host.provenance().map_or(abi::Str::EMPTY, abi::Str::new);
        let head = abi::Head { size: size_of::<abi::Head>() as u32, reserved: 0, head: Some(head::<H>) };
        let rows = |first| abi::Rows { size: size_of::<abi::Rows>() as u32, reserved: 0, first };
        let rows = host.first_row().map(rows);
        Self { raw, host, provenance, head, rows, names: Mutex::default() }
    }

    /// Sets the thread budget; 0 is as many as the machine has.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.raw.max_threads = u32::try_from(threads).unwrap_or(0);
        self
    }

    /// Sets the device. On CUDA the stream is the per-thread default stream, which candle uses.
    #[must_use]
    pub fn device(mut self, device: abi::DLDevice) -> Self {
        self.raw.device = device;
        let stream = if device.device_type == abi::DL_CUDA { 2 } else { 0 };
        self.raw.stream = std::ptr::without_provenance_mut(stream);
        self
    }

    /// Disables `read`, its extension for the beginning of a file, and `publish`.
    #[must_use]
    pub fn without_files(mut self) -> Self {
        (self.raw.read, self.raw.publish, self.head.head) = (None, None, None);
        self
    }

    /// The call to pass to the plugin.
    pub fn call(&self) -> CallRef<'_> {
        // SAFETY: alive as long as `self` is borrowed. The pointer is to the whole, so that the functions find it
        // again.
        unsafe { CallRef::from_raw(std::ptr::from_ref(self).cast()) }.expect("a reference is not null")
    }

    /// The host of a call.
    ///
    /// # Safety
    /// The call is one of this type, made in this library: plugins pass calls on unchanged.
    pub unsafe fn host_of<'c>(call: CallRef<'c>) -> &'c H
    where
        'a: 'c,
    {
        // SAFETY: the caller's promise.
        unsafe { (*call.raw().cast::<HostCall<'c, H>>()).host }
    }
}

/// Runs an answer; after a panic it returns `panicked`.
///
/// # Safety
/// `call` was made by [`HostCall::call`], with this host, and is alive for `'c`.
unsafe fn answer<'c, H: CallHost + 'c, T>(
    call: *const abi::Call,
    panicked: T,
    body: impl FnOnce(&'c HostCall<'c, H>) -> T,
) -> T {
    // SAFETY: the caller's promise.
    let call = unsafe { &*call.cast::<HostCall<'c, H>>() };
    catch_unwind(AssertUnwindSafe(|| body(call))).unwrap_or_else(|payload| {
        // A payload whose drop panics would escape.
        std::mem::forget(payload);
        panicked
    })
}

unsafe extern "C" fn progress<H: CallHost>(
    call: *const abi::Call,
    done: u64,
    total: u64,
    note: abi::Str,
) -> abi::Status {
    // SAFETY: plugins pass our call on unchanged; the text is borrowed for the call.
    unsafe {
        answer::<H, _>(call, abi::CANCELLED, |call| {
            match call.host.progress(done, total, &text::words(note)) {
                true => abi::OK,
                false => abi::CANCELLED,
            }
        })
    }
}

unsafe extern "C" fn preview<H: CallHost>(call: *const abi::Call, image: abi::View) {
    // SAFETY: as in `progress`; the view is alive for the call.
    unsafe { answer::<H, _>(call, (), |call| call.host.preview(TensorView::read(image))) };
}

unsafe extern "C" fn fail<H: CallHost>(
    call: *const abi::Call,
    status: abi::Status,
    input: abi::Str,
    message: abi::Str,
) {
    // SAFETY: as in `progress`.
    unsafe {
        answer::<H, _>(call, (), |call| {
            call.host.fail(Said {
                status,
                input: text::words(input),
                message: text::words(message),
                hint: None,
            });
        });
    }
}

unsafe extern "C" fn fail_with<H: CallHost>(call: *const abi::Call, failure: *const abi::Failure) {
    // SAFETY: as in `progress`; the failure is alive for the call, and read only within its size.
    unsafe {
        if failure.is_null() || ((&raw const (*failure).size).read() as usize) < size_of::<abi::Failure>() {
            return;
        }
        let failure = &*failure;
        answer::<H, _>(call, (), |call| {
            let hint = text::words(failure.hint);
            call.host.fail(Said {
                status: failure.status,
                input: text::words(failure.input),
                message: text::words(failure.message),
                hint: (!hint.is_empty()).then_some(hint),
            });
        });
    }
}

unsafe extern "C" fn log<H: CallHost>(call: *const abi::Call, level: i32, message: abi::Str) {
    // SAFETY: as in `progress`.
    unsafe { answer::<H, _>(call, (), |call| call.host.log(level, &text::words(message))) };
}

unsafe extern "C" fn read<H: CallHost>(
    call: *const abi::Call,
    path: abi::Str,
    bytes: *mut abi::Owned,
) -> abi::Status {
    // SAFETY: as in `progress`; a valid out parameter, unless it is null.
    unsafe {
        answer::<H, _>(call, abi::E_IO, |call| {
            if bytes.is_null() {
                return abi::E_ARG;
            }
            match call.host.read(&text::words(path)) {
                Ok(content) => {
                    *bytes = content.into_raw();
                    abi::OK
                }
                Err(status) => status,
            }
        })
    }
}

unsafe extern "C" fn head<H: CallHost>(
    call: *const abi::Call,
    path: abi::Str,
    most: u64,
    bytes: *mut abi::Owned,
    length: *mut u64,
) -> abi::Status {
    // SAFETY: as in `read`, with two out parameters.
    unsafe {
        answer::<H, _>(call, abi::E_IO, |call| {
            if bytes.is_null() || length.is_null() {
                return abi::E_ARG;
            }
            match call.host.head(&text::words(path), most) {
                Ok((content, whole)) => {
                    (*bytes, *length) = (content.into_raw(), whole);
                    abi::OK
                }
                Err(status) => status,
            }
        })
    }
}

unsafe extern "C" fn publish<H: CallHost>(
    call: *const abi::Call,
    template: abi::Str,
    bytes: abi::View,
    _media_type: abi::Str,
    final_name: *mut abi::Str,
) -> abi::Status {
    // SAFETY: as in `progress`; the view is alive for the call, and the out parameter valid unless it is null.
    unsafe {
        answer::<H, _>(call, abi::E_IO, |call| {
            match call.host.publish(&text::words(template), TensorView::read(bytes)) {
                Ok(name) => {
                    let mut names = call.names.lock().unwrap_or_else(PoisonError::into_inner);
                    names.push(name.into_boxed_str());
                    if let (Some(name), false) = (names.last(), final_name.is_null()) {
                        *final_name = abi::Str::new(name);
                    }
                    abi::OK
                }
                Err(status) => status,
            }
        })
    }
}

unsafe extern "C" fn get_extension<H: CallHost>(call: *const abi::Call, id: *const c_char) -> *const c_void {
    // SAFETY: as in `progress`; a NUL-terminated id, unless it is null.
    unsafe {
        answer::<H, _>(call, std::ptr::null(), |call| {
            if id.is_null() {
                return std::ptr::null();
            }
            match CStr::from_ptr(id) {
                id if id == abi::PROVENANCE && call.host.provenance().is_some() => {
                    (&raw const call.provenance).cast()
                }
                id if id == abi::HEAD && call.head.head.is_some() => (&raw const call.head).cast(),
                id if id == abi::ROWS => {
                    call.rows.as_ref().map_or(std::ptr::null(), |rows| std::ptr::from_ref(rows).cast())
                }
                _ => std::ptr::null(),
            }
        })
    }
}
