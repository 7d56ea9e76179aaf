//! The libraries of CUDA, opened when a device is.
//!
//! candle is linked with `libcuda.so.1`, `libcublas` and others (<https://github.com/huggingface/candle/issues/3900>), so
//! a plugin built with its feature `cuda` could not even be opened where NVIDIA's driver is not installed, let alone
//! compute on the CPU there. On Linux (x86-64) this crate defines the functions of those libraries that candle calls. Each
//! jumps to the function of the same name in the library once that is open, and returns an error before. The linker
//! finds them here, so what it writes needs no library of CUDA. That takes lld, rustc's own linker there: GNU's ld
//! keeps what calls of unused functions name. Elsewhere CUDA is linked as candle does it.
//!
//! Nothing has to be called for that: `cuInit`, which comes before everything else, opens the libraries. [`load`] does
//! the same, and says what is wrong in words.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod libraries;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub use libraries::load;

/// Does nothing: here CUDA is linked, if it is used at all.
///
/// # Errors
/// None.
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub fn load() -> Result<(), String> {
    Ok(())
}
