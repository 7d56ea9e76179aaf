//! A `dw_call` that answers like a host and remembers what it was asked.

use super::tensor;
use dreamwire_abi as abi;
use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A host of one plugin's calls. Copies are the same host.
#[derive(Clone, Copy)]
pub struct Session {
    pub(super) state: &'static State,
}

/// Why a call failed, in the plugin's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// the status that it announced
    pub status: abi::Status,
    /// the param or port that it blames; empty if none
    pub input: String,
    /// its words
    pub message: String,
}

/// A file that a node published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// the name as the node gave it
    pub template: String,
    /// the content
    pub bytes: Vec<u8>,
}

/// What is owed between the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// tensors that were moved to the plugin and not ended yet
    pub tensors: i64,
    /// tapes of host functions that were not released yet
    pub tapes: i64,
    /// tensors and tapes that were ended more than once
    pub twice: i64,
    /// deleters of borrowed inputs that were called, each of them wrongly
    pub inputs_ended: i64,
}

/// Never freed: a plugin may call back later than it should.
#[derive(Default)]
pub(super) struct State {
    pub(super) tensors: AtomicI64,
    pub(super) tapes: AtomicI64,
    pub(super) twice: AtomicI64,
    pub(super) inputs_ended: AtomicI64,
    polls: AtomicU64,
    /// 0: never
    cancel_at: AtomicU64,
    record: Mutex<Record>,
}

#[derive(Default)]
struct Record {
    files: HashMap<String, Vec<u8>>,
    said: Option<Said>,
    published: Vec<Published>,
    complaints: Vec<String>,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// A host without files.
    pub fn new() -> Self {
        Self { state: Box::leak(Box::<State>::default()) }
    }

    /// From now on `read` answers with these bytes where that path is asked for.
    pub fn give_file(&self, path: &str, bytes: &[u8]) {
        self.state.record().files.insert(path.to_owned(), bytes.to_vec());
    }

    /// Counts progress calls from 0 again; the `at`-th, and all that follow, are told to stop. 0 lets all go on.
    pub fn cancel_at(&self, at: u64) {
        self.state.polls.store(0, Ordering::SeqCst);
        self.state.cancel_at.store(at, Ordering::SeqCst);
    }

    /// Progress calls since [`Session::cancel_at`].
    pub fn polls(&self) -> u64 {
        self.state.polls.load(Ordering::SeqCst)
    }

    /// What is owed now.
    pub fn balance(&self) -> Balance {
        let state = self.state;
        Balance {
            tensors: state.tensors.load(Ordering::SeqCst),
            tapes: state.tapes.load(Ordering::SeqCst),
            twice: state.twice.load(Ordering::SeqCst),
            inputs_ended: state.inputs_ended.load(Ordering::SeqCst),
        }
    }

    /// The files that were published since the last time.
    pub(super) fn take_published(&self) -> Vec<Published> {
        std::mem::take(&mut self.state.record().published)
    }

    /// What was wrong with previews and published bytes since the last time.
    pub(super) fn take_complaints(&self) -> Vec<String> {
        std::mem::take(&mut self.state.record().complaints)
    }

    /// Runs one call: its status and what was said of it.
    pub(super) fn call(
        &self,
        body: impl FnOnce(*const abi::Call) -> abi::Status,
    ) -> (abi::Status, Option<Said>) {
        self.state.record().said = None;
        let call = Box::leak(Box::new(abi::Call {
            size: size_of::<abi::Call>() as u32,
            flags: 0,
            host: std::ptr::from_ref(self.state).cast_mut().cast(),
            progress: Some(progress),
            preview: Some(preview),
            fail: Some(fail),
            log: Some(log),
            read: Some(read),
            publish: Some(publish),
            get_extension: Some(get_extension),
            max_threads: super::THREADS as u32,
            reserved: 0,
            device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
            stream: std::ptr::null_mut(),
        }));
        let status = body(call);
        (status, self.state.record().said.take())
    }
}

impl State {
    /// # Safety
    /// `call` was made by [`Session::call`].
    pub(super) unsafe fn of(call: *const abi::Call) -> &'static Self {
        // SAFETY: the caller's promise; calls and states are never freed.
        unsafe { &*(*call).host.cast::<Self>() }
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first word counts: it is nearest to the cause.
    pub(super) fn say(&self, status: abi::Status, input: &str, message: String) {
        let said = Said { status, input: input.to_owned(), message };
        self.record().said.get_or_insert(said);
    }

    /// Whether somebody has been told to stop.
    pub(super) fn is_cancelled(&self) -> bool {
        let at = self.cancel_at.load(Ordering::SeqCst);
        at > 0 && self.polls.load(Ordering::SeqCst) >= at
    }
}

unsafe fn lossy(text: abi::Str) -> String {
    // SAFETY: text borrowed for the call.
    unsafe { text.bytes() }.map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
}

unsafe extern "C" fn progress(call: *const abi::Call, _: u64, _: u64, _: abi::Str) -> abi::Status {
    // SAFETY: plugins pass our call on unchanged.
    let state = unsafe { State::of(call) };
    state.polls.fetch_add(1, Ordering::SeqCst);
    if state.is_cancelled() { abi::CANCELLED } else { abi::OK }
}

unsafe extern "C" fn preview(call: *const abi::Call, image: abi::View) {
    // SAFETY: as in `progress`; the view is alive for the call and is copied.
    unsafe {
        if let Err(why) = crate::tensor::copy(image) {
            State::of(call).record().complaints.push(format!("a preview is unusable: {why}"));
        }
    }
}

unsafe extern "C" fn fail(call: *const abi::Call, status: abi::Status, input: abi::Str, message: abi::Str) {
    // SAFETY: as in `progress`; both texts are borrowed for the call.
    unsafe { State::of(call).say(status, &lossy(input), lossy(message)) };
}

unsafe extern "C" fn log(_: *const abi::Call, _: i32, _: abi::Str) {}

unsafe extern "C" fn read(call: *const abi::Call, path: abi::Str, bytes: *mut abi::Owned) -> abi::Status {
    // SAFETY: as in `progress`; `bytes` is a valid out parameter.
    unsafe {
        let state = State::of(call);
        let path = lossy(path);
        let Some(content) = state.record().files.get(&path).cloned() else {
            state.say(abi::E_IO, "", format!("the checker has no file `{path}`"));
            return abi::E_IO;
        };
        *bytes = tensor::give_bytes(&content, state);
        abi::OK
    }
}

unsafe extern "C" fn publish(
    call: *const abi::Call,
    template: abi::Str,
    bytes: abi::View,
    _media_type: abi::Str,
    final_name: *mut abi::Str,
) -> abi::Status {
    // SAFETY: as in `progress`; the view is alive for the call and is copied.
    unsafe {
        let mut record = State::of(call).record();
        let content = match crate::tensor::copy(bytes) {
            Ok(content) if content.dtype() == dreamwire_engine::Dtype::U8 => content.bytes().to_vec(),
            Ok(_) => {
                record.complaints.push("published something else than bytes".to_owned());
                return abi::E_ARG;
            }
            Err(why) => {
                record.complaints.push(format!("published unusable bytes: {why}"));
                return abi::E_ARG;
            }
        };
        let template = lossy(template);
        if !final_name.is_null() {
            *final_name = abi::Str::new(Box::leak(template.clone().into_boxed_str()));
        }
        record.published.push(Published { template, bytes: content });
        abi::OK
    }
}

unsafe extern "C" fn get_extension(_: *const abi::Call, id: *const c_char) -> *const c_void {
    struct Text(abi::Str);
    // SAFETY: immutable static text.
    unsafe impl Sync for Text {}
    static PROVENANCE: Text = Text(abi::Str::new("{}"));
    if id.is_null() {
        return std::ptr::null();
    }
    // SAFETY: a NUL-terminated id, as the header says.
    match unsafe { CStr::from_ptr(id) }.to_bytes() {
        b"dw.provenance/1" => (&raw const PROVENANCE.0).cast(),
        _ => std::ptr::null(),
    }
}
