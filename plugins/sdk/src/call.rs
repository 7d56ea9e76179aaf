//! The host, as a node sees it during one call.

use crate::{Error, Result, device, tensor};
use candle_core::{Device, Tensor};
use dreamwire_abi as abi;
use dreamwire_socket::{Bytes, CallRef, Dtype};

/// One call of the host: progress, previews, files, thread budget. Valid for the call; may be used from any
/// thread.
pub struct Call {
    raw: CallRef<'static>,
    device: Device,
}

impl Call {
    /// # Safety
    /// The value is gone before the call is.
    pub(crate) unsafe fn new(call: CallRef<'_>) -> Result<Self> {
        let device = device::open(call.device())?;
        // SAFETY: the call is alive, and outlives the value, as the caller promises.
        let raw = unsafe { CallRef::from_raw(call.raw()) };
        Ok(Self { raw: raw.ok_or_else(|| Error::failed("the host passed no call"))?, device })
    }

    /// Reports progress (`done` of `total`, what is being done) and whether to go on.
    ///
    /// # Errors
    /// If cancelled: return it with `?`, soon.
    pub fn progress(&self, done: u64, total: u64, note: &str) -> Result<()> {
        if self.raw.progress(done, total, note) { Ok(()) } else { Err(Error::cancelled()) }
    }

    /// Shows the intermediate IMAGE (`[B,H,W,C]`, 0..1); it may be dropped. Errors are ignored.
    pub fn preview(&self, image: &Tensor) {
        if let Ok(image) = tensor::export(image) {
            self.raw.preview(&image);
        }
    }

    /// Logs a message that users see only on request.
    pub fn info(&self, message: &str) {
        self.raw.log(3, message);
    }

    /// Logs a message that users should see.
    pub fn warn(&self, message: &str) {
        self.raw.log(2, message);
    }

    /// The bytes of a file that a file param of this node names, where the host has them: nothing is copied. Only inside
    /// `run`.
    ///
    /// # Errors
    /// If the host could not or would not read it; it has recorded why.
    pub fn read(&self, path: &str) -> Result<Bytes> {
        let owned = self.raw.read(path).map_err(|status| match status {
            abi::E_UNSUPPORTED => Error::unsupported("this host does not provide files"),
            status => Error::reported(status, format!("cannot read `{path}`")),
        })?;
        match owned.into_bytes()? {
            (Dtype::U8, _, bytes) => Ok(bytes),
            _ => Err(Error::failed("the host returned a file that is not bytes")),
        }
    }

    /// The files that a param of the format `dw-files` means, a folder or a pattern, in natural order (2 before 10). Each can
    /// be read by its name.
    ///
    /// # Errors
    /// As [`Call::read`].
    pub fn list(&self, files: &str) -> Result<Vec<String>> {
        let names = self.read(files)?;
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        let text = |name: &[u8]| String::from_utf8(name.to_vec());
        let names: std::result::Result<_, _> = names.map(text).collect();
        names.map_err(|_| Error::failed("the host returned a name of a file that is not UTF-8"))
    }

    /// The first bytes of such a file, at most `most` and 64 KiB, and the length of all of it, to refuse a file without
    /// reading it. `None` if this host can only read whole files.
    ///
    /// # Errors
    /// As [`Call::read`].
    pub fn head(&self, path: &str, most: u64) -> Result<Option<(Bytes, u64)>> {
        let head = self.raw.head(path, most);
        let head = head.map_err(|status| Error::reported(status, format!("cannot read `{path}`")))?;
        let Some((owned, length)) = head else { return Ok(None) };
        match owned.into_bytes()? {
            (Dtype::U8, _, bytes) => Ok(Some((bytes, length))),
            _ => Err(Error::failed("the host returned a file that is not bytes")),
        }
    }

    /// Publishes a file under the output root, atomically, and returns its final name. The host counts
    /// `{counter:05}` in the template; everything else is literal.
    ///
    /// # Errors
    /// If the host could not or would not write it; it has recorded why.
    pub fn publish(&self, name_template: &str, bytes: &[u8], media_type: &str) -> Result<String> {
        self.raw.publish(name_template, bytes, media_type).map_err(|status| match status {
            abi::E_UNSUPPORTED => Error::unsupported("this host does not publish files"),
            status => Error::reported(status, format!("cannot publish `{name_template}`")),
        })
    }

    /// The text of the running graph, for metadata of results.
    pub fn provenance(&self) -> Option<String> {
        self.raw.provenance()
    }

    /// The index in the whole batch of the first row that an output node got: the host may save a batch in pieces
    /// ([`Port::rows`](crate::Port::rows)). Otherwise 0.
    pub fn first_row(&self) -> usize {
        self.raw.first_row() as usize
    }

    pub(crate) fn max_threads(&self) -> u32 {
        self.raw.max_threads()
    }

    /// How many threads this call may use; the SDK's pool already has that many.
    pub fn threads(&self) -> usize {
        match self.max_threads() {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            n => n as usize,
        }
    }

    /// The device of inputs and outputs; the same value in every call that names that device, so that tensors of
    /// different calls go together.
    pub fn device(&self) -> &Device {
        &self.device
    }

    pub(crate) fn raw(&self) -> CallRef<'_> {
        self.raw
    }
}
