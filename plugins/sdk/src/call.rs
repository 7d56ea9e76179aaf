//! The host, as a node sees it during one call.

use crate::{Error, Result, tensor};
use candle_core::{Device, Tensor};
use dreamwire_abi as abi;
use dreamwire_abi::field;

/// One call of the host: progress, previews, files, budget. Lives for the call; may be used from any thread.
pub struct Call {
    raw: *const abi::Call,
    device: Device,
}

// SAFETY: every function of `dw_call` is tagged [any thread] but `read` and `publish`, which the host also locks.
unsafe impl Send for Call {}
// SAFETY: as above; the struct itself is never written during the call.
unsafe impl Sync for Call {}

impl Call {
    /// # Safety
    /// `raw` points to a live `dw_call` that outlives the returned value.
    pub(crate) unsafe fn from_raw(raw: *const abi::Call) -> Result<Self> {
        if raw.is_null() {
            return Err(Error::failed("the host passed no call"));
        }
        // SAFETY: non-null and alive; `device` lies inside every version 1 struct.
        let device = unsafe { (*raw).device };
        Ok(Self { raw, device: tensor::device(device)? })
    }

    /// Tells how far it is (`done` of `total`, what is being done) and asks whether to go on.
    ///
    /// # Errors
    /// Cancelled: return it with `?`, soon.
    pub fn progress(&self, done: u64, total: u64, note: &str) -> Result<()> {
        // SAFETY: `raw` is alive for as long as `self`; the text is copied before the function returns.
        let status = unsafe {
            match field!(self.raw, abi::Call, progress) {
                Some(progress) => progress(self.raw, done, total, abi::Str::new(note)),
                None => abi::OK,
            }
        };
        if status == abi::CANCELLED { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Shows the IMAGE so far (`[B,H,W,C]`, 0..1); it may be dropped. Trouble with it is nobody's failure.
    pub fn preview(&self, image: &Tensor) {
        // SAFETY: `raw` is alive; the view borrows `image`, which outlives the call.
        unsafe {
            if let Some(preview) = field!(self.raw, abi::Call, preview) {
                let _ = tensor::with_view(image, |view| preview(self.raw, view));
            }
        }
    }

    fn log(&self, level: i32, message: &str) {
        // SAFETY: `raw` is alive; the text is copied at once.
        unsafe {
            if let Some(log) = field!(self.raw, abi::Call, log) {
                log(self.raw, level, abi::Str::new(message));
            }
        }
    }

    /// A note that users see only when they ask for it.
    pub fn info(&self, message: &str) {
        self.log(3, message);
    }

    /// A note that users should see.
    pub fn warn(&self, message: &str) {
        self.log(2, message);
    }

    pub(crate) fn fail(&self, error: &Error) {
        // SAFETY: `raw` is alive.
        unsafe { Self::fail_raw(self.raw, error) };
    }

    /// # Safety
    /// `raw` is null or points to a live `dw_call`.
    pub(crate) unsafe fn fail_raw(raw: *const abi::Call, error: &Error) {
        if raw.is_null() {
            return;
        }
        // SAFETY: the caller's promise; both texts are copied at once.
        unsafe {
            if let Some(fail) = field!(raw, abi::Call, fail) {
                fail(raw, error.status, abi::Str::new(&error.input), abi::Str::new(&error.message));
            }
        }
    }

    /// The bytes of a file that a file param of this node names. Only inside `run`.
    ///
    /// # Errors
    /// The host could not or would not read it, and has said why.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let mut owned: abi::Owned = std::ptr::null_mut();
        // SAFETY: `raw` is alive; `owned` is a valid out parameter, null on entry.
        let status = unsafe {
            let Some(read) = field!(self.raw, abi::Call, read) else {
                return Err(Error::unsupported("this host gives no files"));
            };
            read(self.raw, abi::Str::new(path), &raw mut owned)
        };
        if status != abi::OK {
            return Err(Error::reported(status, format!("cannot read `{path}`")));
        }
        // SAFETY: OK promises a managed tensor that is now ours.
        let managed = unsafe { tensor::Managed::new(owned) }?;
        managed.bytes()
    }

    /// Publishes a file under the output root, atomically, and returns the name it got. `{counter:05}` in the template
    /// is counted by the host; everything else is literal.
    ///
    /// # Errors
    /// The host could not or would not write it, and has said why.
    pub fn publish(&self, name_template: &str, bytes: &[u8], media_type: &str) -> Result<String> {
        let mut shape = [bytes.len() as i64];
        let mut strides = [1i64];
        let view = abi::DLTensor {
            data: bytes.as_ptr().cast_mut().cast(),
            device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
            ndim: 1,
            dtype: abi::DLDataType { code: abi::DL_UINT, bits: 8, lanes: 1 },
            shape: shape.as_mut_ptr(),
            strides: strides.as_mut_ptr(),
            byte_offset: 0,
        };
        let mut name = abi::Str::EMPTY;
        // SAFETY: `raw` is alive; the view borrows `bytes`, `shape` and `strides`, which outlive the call.
        unsafe {
            let Some(publish) = field!(self.raw, abi::Call, publish) else {
                return Err(Error::unsupported("this host publishes no files"));
            };
            let (template, media) = (abi::Str::new(name_template), abi::Str::new(media_type));
            let status = publish(self.raw, template, &raw const view, media, &raw mut name);
            if status != abi::OK {
                return Err(Error::reported(status, format!("cannot publish `{name_template}`")));
            }
            // SAFETY: borrowed until the call ends, which is later than now.
            Ok(name.text().unwrap_or_default().to_owned())
        }
    }

    /// The text of the graph that is running, for the metadata of what it makes.
    pub fn provenance(&self) -> Option<String> {
        // SAFETY: `raw` is alive; "dw.provenance/1" is a `dw_str` that lives as long as the call.
        unsafe {
            let extension = field!(self.raw, abi::Call, get_extension)?;
            let text = extension(self.raw, c"dw.provenance/1".as_ptr()).cast::<abi::Str>();
            if text.is_null() { None } else { (*text).text().map(str::to_owned) }
        }
    }

    pub(crate) fn max_threads(&self) -> u32 {
        // SAFETY: `raw` is alive; the field lies inside every version 1 struct.
        unsafe { (*self.raw).max_threads }
    }

    /// How many threads this call may use; the SDK's pool already has that many.
    pub fn threads(&self) -> usize {
        match self.max_threads() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n as usize,
        }
    }

    /// Where inputs are and outputs should be.
    pub fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn raw(&self) -> *const abi::Call {
        self.raw
    }
}
