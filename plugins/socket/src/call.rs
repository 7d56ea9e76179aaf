use crate::{Dtype, Fault, Owned, text};
use dreamwire_abi as abi;
use dreamwire_abi::field;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Why a call failed, as the failing side reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The status that is about to be returned.
    pub status: abi::Status,
    /// The port or param that is wrong; empty if none.
    pub input: String,
    /// What was expected and what was found.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Said {
    /// A report without an input or a hint.
    pub fn new(status: abi::Status, message: impl Into<String>) -> Self {
        Self { status, input: String::new(), message: message.into(), hint: None }
    }
}

impl From<Fault> for Said {
    fn from(fault: Fault) -> Self {
        Self::new(fault.status, fault.message)
    }
}

/// A call of the host, as it is passed to a plugin. May be used from any thread.
#[derive(Clone, Copy)]
pub struct CallRef<'a> {
    raw: NonNull<abi::Call>,
    call: PhantomData<&'a abi::Call>,
}

// SAFETY: every function of `dw_call` is tagged [any thread] but `read` and `publish`, which hosts also lock. The
// struct itself is never written during the call.
unsafe impl Send for CallRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for CallRef<'_> {}

/// Reads an optional function of the call.
macro_rules! method {
    ($self:ident, $name:ident) => {
        // SAFETY: alive for `'a`.
        unsafe { field!($self.raw.as_ptr(), abi::Call, $name) }
    };
}

impl<'a> CallRef<'a> {
    /// `None` if it is null.
    ///
    /// # Safety
    /// `raw` is null, or points to a `dw_call` that lives for `'a`, whose maker keeps `dreamwire.h`.
    pub unsafe fn from_raw(raw: *const abi::Call) -> Option<Self> {
        NonNull::new(raw.cast_mut()).map(|raw| Self { raw, call: PhantomData })
    }

    /// The pointer, for passing it on.
    pub fn raw(self) -> *const abi::Call {
        self.raw.as_ptr()
    }

    /// Where to compute.
    pub fn device(self) -> abi::DLDevice {
        // SAFETY: alive; the field lies inside every version 1 struct.
        unsafe { (*self.raw()).device }
    }

    /// The thread budget; 0 is as many as the machine has.
    pub fn max_threads(self) -> u32 {
        // SAFETY: as above.
        unsafe { (*self.raw()).max_threads }
    }

    /// Reports progress. If it returns false, stop soon.
    pub fn progress(self, done: u64, total: u64, note: &str) -> bool {
        let Some(progress) = method!(self, progress) else { return true };
        // SAFETY: alive; the text is borrowed for the call.
        unsafe { progress(self.raw(), done, total, abi::Str::new(note)) != abi::CANCELLED }
    }

    /// Shows an intermediate IMAGE.
    pub fn preview(self, image: &Owned) {
        let Some(preview) = method!(self, preview) else { return };
        // SAFETY: alive; the view is borrowed for the call.
        unsafe { preview(self.raw(), image.as_view()) };
    }

    /// Reports why the call fails. A host of minor 0 gets the hint after the message.
    pub fn fail(self, said: &Said) {
        let input = abi::Str::new(&said.input);
        let hint = said.hint.as_deref().unwrap_or_default();
        if let Some(fail_with) = method!(self, fail_with) {
            let failure = abi::Failure {
                size: size_of::<abi::Failure>() as u32,
                status: said.status,
                input,
                message: abi::Str::new(&said.message),
                hint: abi::Str::new(hint),
            };
            // SAFETY: alive; all texts are copied at once.
            unsafe { fail_with(self.raw(), &raw const failure) };
        } else if let Some(fail) = method!(self, fail) {
            let message = match hint {
                "" => said.message.clone(),
                hint => format!("{}; hint: {hint}", said.message),
            };
            // SAFETY: as above.
            unsafe { fail(self.raw(), said.status, input, abi::Str::new(&message)) };
        }
    }

    /// Writes a line to the log, at level 1 error, 2 warn, 3 info, 4 debug or 5 trace.
    pub fn log(self, level: i32, message: &str) {
        let Some(log) = method!(self, log) else { return };
        // SAFETY: alive; the text is copied at once.
        unsafe { log(self.raw(), level, abi::Str::new(message)) };
    }

    /// Reads a file that a file param of this node names.
    ///
    /// # Errors
    /// `E_UNSUPPORTED` if the call has no files, or the host's status; the host has recorded the reason.
    pub fn read(self, path: &str) -> Result<Owned, abi::Status> {
        let read = method!(self, read).ok_or(abi::E_UNSUPPORTED)?;
        let mut owned: abi::Owned = std::ptr::null_mut();
        // SAFETY: alive; a valid out parameter, null on entry.
        let status = unsafe { read(self.raw(), abi::Str::new(path), &raw mut owned) };
        if status != abi::OK {
            return Err(status);
        }
        // SAFETY: OK promises a managed tensor that is ours.
        unsafe { Owned::from_raw(owned) }.ok_or(abi::E_IO)
    }

    /// The first bytes of such a file, at most `most` and 64 KiB, and the length of all of it. `None` if the host cannot
    /// read a part of a file.
    ///
    /// # Errors
    /// As [`CallRef::read`].
    pub fn head(self, path: &str, most: u64) -> Result<Option<(Owned, u64)>, abi::Status> {
        let Some(extension) = method!(self, get_extension) else { return Ok(None) };
        // SAFETY: alive; what comes back is null, or a `dw_head` that lives as long as the call and is read within its
        // size.
        let head = unsafe {
            let table = extension(self.raw(), abi::HEAD.as_ptr()).cast::<abi::Head>();
            if table.is_null() { None } else { field!(table, abi::Head, head) }
        };
        let Some(head) = head else { return Ok(None) };
        let (mut owned, mut length): (abi::Owned, u64) = (std::ptr::null_mut(), 0);
        // SAFETY: alive; valid out parameters, null on entry.
        match unsafe { head(self.raw(), abi::Str::new(path), most, &raw mut owned, &raw mut length) } {
            abi::OK => {}
            abi::E_UNSUPPORTED => return Ok(None),
            status => return Err(status),
        }
        // SAFETY: OK promises a managed tensor that is ours.
        let bytes = unsafe { Owned::from_raw(owned) }.ok_or(abi::E_IO)?;
        Ok(Some((bytes, length)))
    }

    /// Publishes bytes and returns their name.
    ///
    /// # Errors
    /// As [`CallRef::read`].
    pub fn publish(self, name_template: &str, bytes: &[u8], media_type: &str) -> Result<String, abi::Status> {
        let publish = method!(self, publish).ok_or(abi::E_UNSUPPORTED)?;
        let mut size = [bytes.len() as i64];
        let mut stride = [1i64];
        let view = abi::DLTensor {
            data: bytes.as_ptr().cast_mut().cast(),
            device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
            ndim: 1,
            dtype: Dtype::U8.to_dl(),
            shape: size.as_mut_ptr(),
            strides: stride.as_mut_ptr(),
            byte_offset: 0,
        };
        let mut name = abi::Str::EMPTY;
        let (template, media) = (abi::Str::new(name_template), abi::Str::new(media_type));
        // SAFETY: alive; the view borrows `bytes` and the arrays above; the name is borrowed until the call ends.
        unsafe {
            match publish(self.raw(), template, &raw const view, media, &raw mut name) {
                abi::OK => Ok(text::words(name)),
                status => Err(status),
            }
        }
    }

    /// The text of the running graph, for the metadata of published files.
    pub fn provenance(self) -> Option<String> {
        let extension = method!(self, get_extension)?;
        // SAFETY: alive; what comes back is null, or a `dw_str` that lives as long as the call.
        unsafe {
            let text = extension(self.raw(), abi::PROVENANCE.as_ptr()).cast::<abi::Str>();
            if text.is_null() { None } else { (*text).text().map(str::to_owned) }
        }
    }

    /// The index in the whole batch of the first row that this call has; 0 if it has all of them.
    pub fn first_row(self) -> u64 {
        let Some(extension) = method!(self, get_extension) else { return 0 };
        // SAFETY: alive; what comes back is null, or a `dw_rows` that lives as long as the call, read only
        // within its size.
        unsafe {
            let rows = extension(self.raw(), abi::ROWS.as_ptr()).cast::<abi::Rows>();
            if rows.is_null() || ((&raw const (*rows).size).read() as usize) < size_of::<abi::Rows>() {
                return 0;
            }
            (*rows).first
        }
    }
}
