//! Opens the libraries and finds their functions.

mod functions;

use std::ffi::{CStr, CString, c_int, c_uint, c_void};
use std::path::PathBuf;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use functions::{cublas, curand, driver, runtime, runtime_texts};

/// The major version of CUDA that candle was built for.
#[cfg(feature = "cuda")]
const CUDA_MAJOR: u32 = candle_core::cuda_backend::cudarc::driver::sys::CUDA_VERSION / 1000;
#[cfg(not(feature = "cuda"))]
const CUDA_MAJOR: u32 = 13;

/// Where a function of a library is: at first, that of one that does nothing.
type Slot = AtomicPtr<c_void>;

/// A library, and the functions that are called in it. `N` in a text is CUDA's major version.
struct Library {
    file: &'static str,
    /// What it is a part of.
    package: &'static str,
    functions: &'static [(&'static CStr, &'static Slot)],
}

/// Opens the libraries, if that has not been done. They stay open.
///
/// # Errors
/// Names the library that cannot be opened, and why. The next call tries again.
pub fn load() -> Result<(), String> {
    static OPEN: Mutex<bool> = Mutex::new(false);
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if !*open {
        for library in [&driver::LIBRARY, &cublas::LIBRARY, &curand::LIBRARY] {
            library.find(library.open()?);
        }
        *open = true;
    }
    Ok(())
}

impl Library {
    /// Opens it where the system looks, or else in a toolkit.
    fn open(&self) -> Result<*mut c_void, String> {
        let file = with_version(self.file);
        let mut failure = None;
        for path in [PathBuf::from(&file)].into_iter().chain(toolkits().map(|folder| folder.join(&file))) {
            let Ok(path) = CString::new(path.into_os_string().into_encoded_bytes()) else { continue };
            // SAFETY: to run the initialisers of NVIDIA's libraries is what the use of CUDA means.
            let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_LAZY | libc::RTLD_LOCAL) };
            if !handle.is_null() {
                return Ok(handle);
            }
            failure = failure.or_else(last_failure);
        }
        let package = with_version(self.package);
        Err(format!("{package} is not installed, or cannot be found: {}", failure.unwrap_or(file)))
    }

    /// Fills the slots. A function that an older library does not have goes on returning an error.
    fn find(&self, handle: *mut c_void) {
        for (name, slot) in self.functions {
            // SAFETY: the handle of an open library, and a name that ends with a null.
            let address = unsafe { libc::dlsym(handle, name.as_ptr()) };
            if !address.is_null() {
                slot.store(address, Ordering::Release);
            }
        }
    }
}

fn with_version(text: &str) -> String {
    text.replace(" N", &format!(" {CUDA_MAJOR}")).replace(".N", &format!(".{CUDA_MAJOR}"))
}

/// Why the last library was not opened.
fn last_failure() -> Option<String> {
    // SAFETY: null, or text that is valid until this thread opens the next library.
    let text = unsafe { libc::dlerror().as_ref().map(|text| CStr::from_ptr(text)) };
    text.map(|text| text.to_string_lossy().into_owned())
}

/// Folders with the libraries of toolkits.
fn toolkits() -> impl Iterator<Item = PathBuf> {
    let named = ["CUDA_HOME", "CUDA_PATH"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let roots = named.chain([PathBuf::from("/usr/local/cuda")]);
    roots.flat_map(|root| ["lib64", "lib"].map(|folder| root.join(folder)))
}

/// The function that is called before all others.
///
/// # Safety
/// The driver's function has no conditions.
#[unsafe(no_mangle)]
unsafe extern "C" fn cuInit(flags: c_uint) -> c_int {
    // Without a driver, the slot is that of a function that says so.
    let _ = load();
    let address = driver::FIRST.load(Ordering::Acquire);
    // SAFETY: a function of this type, or one that has no parameters and returns the same; C's callers clean up.
    let init = unsafe { std::mem::transmute::<*mut c_void, extern "C" fn(c_uint) -> c_int>(address) };
    init(flags)
}

/// The first function of the code that nvcc has written, called for each of its files when a library that holds them is
/// opened. What is registered once is used and taken back later, so the runtime library is there from the first call on, or
/// never. It needs no driver to open.
///
/// # Safety
/// That of the runtime library's function.
#[unsafe(no_mangle)]
unsafe extern "C" fn __cudaRegisterFatBinary(binary: *mut c_void) -> *mut *mut c_void {
    static OPENED: Once = Once::new();
    OPENED.call_once(|| {
        if let Ok(handle) = runtime::LIBRARY.open() {
            runtime::LIBRARY.find(handle);
            runtime_texts::LIBRARY.find(handle);
        }
    });
    let address = runtime::FIRST.load(Ordering::Acquire);
    type Register = unsafe extern "C" fn(*mut c_void) -> *mut *mut c_void;
    // SAFETY: a function of this type, or one that has no parameters and returns a number. That is then the handle of the
    // file, which only the functions of this library take, and they are closed too.
    unsafe { std::mem::transmute::<*mut c_void, Register>(address)(binary) }
}

#[cfg(test)]
mod tests {
    use super::*;

    unsafe extern "C" {
        // As cudarc declares them.
        fn cuLaunchKernel(
            function: *mut c_void,
            grid_x: c_uint,
            grid_y: c_uint,
            grid_z: c_uint,
            block_x: c_uint,
            block_y: c_uint,
            block_z: c_uint,
            shared: c_uint,
            stream: *mut c_void,
            params: *mut *mut c_void,
            extra: *mut *mut c_void,
        ) -> c_int;
        fn curandGenerateNormal(g: *mut c_void, out: *mut f32, n: usize, mean: f32, deviation: f32) -> c_int;
        fn cublasCreate_v2(handle: *mut *mut c_void) -> c_int;
    }

    fn slot(library: &Library, name: &CStr) -> &'static Slot {
        library.functions.iter().find(|(other, _)| *other == name).map(|(_, slot)| *slot).unwrap()
    }

    /// Parameters in registers of both kinds and on the stack arrive, and so does the result.
    #[test]
    fn functions_pass_everything_on() {
        #[rustfmt::skip]
        extern "C" fn launch(
            f: usize, a: u32, b: u32, c: u32, d: u32, e: u32, g: u32, h: u32, i: usize, j: usize, k: usize,
        ) -> c_int {
            assert_eq!((f, a, b, c, d, e, g, h, i, j, k), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
            77
        }
        extern "C" fn normal(g: usize, out: *mut f32, n: usize, mean: f32, deviation: f32) -> c_int {
            assert_eq!((g, n), (1, 4));
            // SAFETY: the test's array.
            unsafe { *out = mean + deviation };
            0
        }
        let (launched, generated) =
            (slot(&driver::LIBRARY, c"cuLaunchKernel"), slot(&curand::LIBRARY, c"curandGenerateNormal"));
        let before = [launched, generated].map(|slot| slot.load(Ordering::Acquire));
        launched.store(launch as *mut c_void, Ordering::Release);
        generated.store(normal as *mut c_void, Ordering::Release);
        let p = |n: usize| std::ptr::without_provenance_mut(n);
        let mut out = [0.0; 4];
        // SAFETY: the functions above take these parameters.
        let found = unsafe {
            let extra = std::ptr::without_provenance_mut(11);
            let params = std::ptr::without_provenance_mut(10);
            let launched = cuLaunchKernel(p(1), 2, 3, 4, 5, 6, 7, 8, p(9), params, extra);
            (launched, curandGenerateNormal(p(1), out.as_mut_ptr(), 4, 0.5, 2.0))
        };
        launched.store(before[0], Ordering::Release);
        generated.store(before[1], Ordering::Release);
        assert_eq!((found, out), ((77, 0), [2.5, 0.0, 0.0, 0.0]));
    }

    #[test]
    fn without_a_driver_there_is_an_error_in_words_and_in_numbers() {
        let Err(why) = load() else { return };
        assert!(
            why.starts_with("NVIDIA's driver is not installed") || why.starts_with("CUDA 13 is not"),
            "{why}"
        );
        if why.starts_with("NVIDIA") {
            assert!(why.contains("libcuda.so.1"), "{why}");
            // SAFETY: functions that return at once.
            let found = unsafe { (cuInit(0), cublasCreate_v2(std::ptr::null_mut())) };
            assert_eq!(found, (34, 1));
        }
    }

    #[test]
    fn names_have_cudas_version() {
        assert_eq!(with_version(cublas::LIBRARY.file), format!("libcublas.so.{CUDA_MAJOR}"));
        assert_eq!(with_version(cublas::LIBRARY.package), format!("CUDA {CUDA_MAJOR}"));
        assert_eq!(with_version(driver::LIBRARY.package), "NVIDIA's driver");
    }
}
