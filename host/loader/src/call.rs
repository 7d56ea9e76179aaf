//! The host of a call, over [`Services`].

use crate::{host, memory, outcome, tensor};
use dreamwire_abi as abi;
use dreamwire_engine::{Device, Failure, FailureKind, Services};
use dreamwire_socket::{CallHost, Dtype, Fault, HostCall, Owned, Said, TensorView};
use std::sync::Mutex;

/// One call in progress.
pub(crate) struct Context<'a> {
    services: &'a Services<'a>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(services: &'a Services<'a>) -> Self {
        Self { services }
    }

    pub(crate) fn call(&self, device: Device, threads: usize) -> HostCall<'_, Self> {
        HostCall::new(self).threads(threads).device(dl_device(device))
    }

    pub(crate) fn services(&self) -> &Services<'a> {
        self.services
    }
}

/// A device as plugins know it.
pub(crate) fn dl_device(device: Device) -> abi::DLDevice {
    let (device_type, device_id) = match device {
        Device::Cpu => (abi::DL_CPU, 0),
        Device::Cuda(ordinal) => (abi::DL_CUDA, ordinal as i32),
        Device::Metal => (abi::DL_METAL, 0),
    };
    abi::DLDevice { device_type, device_id }
}

/// Turns a plugin's report into a failure of the engine.
pub(crate) fn failure(said: Said) -> Failure {
    Failure {
        hint: said.hint.map(Into::into),
        ..Failure::new(outcome::kind(said.status), said.message).at(said.input)
    }
}

impl CallHost for Context<'_> {
    fn fail(&self, said: Said) {
        self.services.fail(failure(said));
    }

    fn progress(&self, done: u64, total: u64, note: &str) -> bool {
        self.services.progress(done, total, note)
    }

    fn preview(&self, image: Result<TensorView<'_>, Fault>) {
        if let Ok(image) = image.and_then(|image| tensor::copy(&image)) {
            self.services.preview(image);
        }
    }

    fn log(&self, level: i32, message: &str) {
        self.services.log(host::level(level), message);
    }

    fn read(&self, path: &str) -> Result<Owned, abi::Status> {
        let bytes = self.services.read(path).map_err(|_| abi::E_IO)?;
        dreamwire_socket::lend(Dtype::U8, vec![bytes.len() as i64], bytes).map_err(|fault| fault.status)
    }

    fn head(&self, path: &str, most: u64) -> Result<(Owned, u64), abi::Status> {
        let (bytes, length) = self.services.head(path, most).map_err(|_| abi::E_IO)?;
        let head = dreamwire_socket::lend(Dtype::U8, vec![bytes.len() as i64], bytes);
        head.map(|head| (head, length)).map_err(|fault| fault.status)
    }

    fn publish(&self, template: &str, bytes: Result<TensorView<'_>, Fault>) -> Result<String, abi::Status> {
        let refuse = |why: &str| {
            let message = format!("published something other than bytes{why}");
            self.services.fail(Failure::new(FailureKind::Plugin, message));
            abi::E_ARG
        };
        let view = bytes.and_then(|view| memory::check(&view).map(|()| view));
        let view = view.map_err(|fault| refuse(&format!(": {fault}")))?;
        if view.dtype() != Dtype::U8 {
            return Err(refuse(""));
        }
        let published = match view.bytes() {
            Some(bytes) => self.services.publish(template, bytes),
            None => self.services.publish(template, &view.to_bytes()),
        };
        published.map_err(|_| abi::E_IO)
    }

    fn provenance(&self) -> Option<&str> {
        self.services.provenance()
    }

    fn first_row(&self) -> Option<u64> {
        self.services.first_row()
    }
}

/// The host of a call that supports nothing but reporting a failure.
#[derive(Default)]
pub(crate) struct Judgement(Mutex<Option<Said>>);

impl Judgement {
    /// The first failure that was reported.
    pub(crate) fn said(self) -> Option<Said> {
        self.0.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl CallHost for Judgement {
    fn fail(&self, said: Said) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get_or_insert(said);
    }
}
