//! What the server runs on, and what it can do.

use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::response::Json;
use dreamwire_engine::Device;
use dreamwire_session::machine;
use serde_json::{Value, json};

use super::Catalogue;

/// The version of ComfyUI that clients are told: the protocol is that of this one.
const COMFYUI: &str = "0.20.0";

/// The oldest frontend that works.
const FRONTEND: &str = "1.16.9";

/// The device of the last run, which only its worker knows.
#[derive(Default)]
pub(crate) struct DeviceInUse(Mutex<Option<(Device, String)>>);

impl DeviceInUse {
    /// A run told its device, and what is known of that.
    pub(crate) fn set(&self, device: Device, words: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((device, words));
    }

    fn get(&self) -> Option<(Device, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What both sides of a connection may use. `upload_max` is the largest file that may be sent, in bytes.
pub(crate) fn features(upload_max: u64) -> Value {
    json!({
        "supports_preview_metadata": true,
        "supports_progress_text_metadata": true,
        "max_upload_size": upload_max,
    })
}

/// Memory and devices, without paths and arguments. Asking drivers would start them here, so a device is known when a
/// worker has used it, and its memory is not.
pub(super) async fn stats(State(catalogue): State<Arc<Catalogue>>) -> Json<Value> {
    let total = machine::total_memory().unwrap_or(0);
    let free = machine::available_memory().unwrap_or(0).min(total);
    let device = |name: String, class: &str, index: u32, total: u64, free: u64| {
        json!({
            "name": name, "type": class, "index": index,
            "vram_total": total, "vram_free": free, "torch_vram_total": total, "torch_vram_free": free,
        })
    };
    let mut devices = Vec::new();
    if let Some((used, words)) = catalogue.device.get() {
        let name = if words.is_empty() { used.to_string() } else { format!("{used} {words}") };
        match used {
            Device::Cpu => {}
            Device::Cuda(ordinal) => devices.push(device(name, used.class(), ordinal, 0, 0)),
            // The name that clients know it by.
            Device::Metal => devices.push(device(name, "mps", 0, 0, 0)),
        }
    }
    let cpu = format!("cpu {}, {} cores", std::env::consts::ARCH, machine::cores());
    devices.push(device(cpu, "cpu", 0, total, free));
    let version = concat!("Dreamwire ", env!("CARGO_PKG_VERSION"));
    Json(json!({
        "system": {
            "os": std::env::consts::OS,
            "ram_total": total,
            "ram_free": free,
            "comfyui_version": COMFYUI,
            "required_frontend_version": FRONTEND,
            "installed_templates_version": "0.0.0",
            "required_templates_version": "0.0.0",
            "comfy_package_versions": [],
            "python_version": format!("none ({version})"),
            "pytorch_version": "none (candle)",
            "embedded_python": false,
            "argv": ["dreamwire", "serve"],
        },
        "devices": devices,
    }))
}
