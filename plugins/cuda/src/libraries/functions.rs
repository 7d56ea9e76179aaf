//! The functions that candle calls. Where one is missing here, `just check-cuda` fails and names it.

use std::ffi::{CStr, c_void};

use super::{Library, Slot};

/// What a function returns whose library is not open, as wide as the register that statuses and addresses are returned in.
extern "C" fn closed<const STATUS: usize>() -> usize {
    STATUS
}

/// A module for a library, with its functions under their own names. They read no parameter: all that they do is to
/// jump, and what they jump to returns to the caller. The library's first function, if it has one, is written elsewhere.
macro_rules! library {
    ($(#[$doc:meta])* $module:ident: $file:literal of $package:literal, closed $status:literal $(, first $first:ident)?;
     $($function:ident)*) => {
        $(#[$doc])*
        pub(super) mod $module {
            use super::*;

            /// Where the functions are.
            #[allow(non_upper_case_globals)]
            mod slots {
                use super::*;
                $(pub(super) static $first: Slot = Slot::new(closed::<$status> as *mut c_void);)?
                $(pub(super) static $function: Slot = Slot::new(closed::<$status> as *mut c_void);)*
            }

            $(pub(in super::super) static FIRST: &Slot = &slots::$first;)?

            pub(in super::super) static LIBRARY: Library = Library {
                file: $file,
                package: $package,
                functions: &[
                    $((name(concat!(stringify!($first), "\0")), &slots::$first),)?
                    $((name(concat!(stringify!($function), "\0")), &slots::$function)),*
                ],
            };

            $(
                #[unsafe(naked)]
                #[unsafe(no_mangle)]
                unsafe extern "C" fn $function() {
                    std::arch::naked_asm!("jmp qword ptr [rip + {}]", sym slots::$function);
                }
            )*
        }
    };
}

/// A name as libraries have it.
const fn name(text: &'static str) -> &'static CStr {
    match CStr::from_bytes_with_nul(text.as_bytes()) {
        Ok(name) => name,
        Err(_) => panic!("a name has no null inside"),
    }
}

library! {
    /// Closed, its functions return CUDA_ERROR_STUB_LIBRARY.
    driver: "libcuda.so.1" of "NVIDIA's driver", closed 34, first cuInit;
    cuCtxDestroy_v2 cuCtxGetCurrent cuCtxSetCurrent cuCtxSynchronize
    cuDeviceGet cuDeviceGetAttribute cuDeviceGetCount cuDeviceGetName cuDeviceGetUuid_v2 cuDeviceTotalMem_v2
    cuDevicePrimaryCtxRelease_v2 cuDevicePrimaryCtxRetain cuDriverGetVersion
    cuEventCreate cuEventDestroy_v2 cuEventElapsedTime_v2 cuEventQuery cuEventRecord cuEventSynchronize
    cuGetErrorName cuGetErrorString
    cuLaunchKernel
    cuMemAllocAsync cuMemAlloc_v2 cuMemFreeAsync cuMemFreeHost cuMemFree_v2 cuMemGetInfo_v2 cuMemHostAlloc
    cuMemcpyDtoDAsync_v2 cuMemcpyDtoHAsync_v2 cuMemcpyHtoDAsync_v2 cuMemcpyPeerAsync cuMemsetD8Async
    cuModuleGetFunction cuModuleLoad cuModuleLoadData cuModuleUnload
    cuStreamCreate cuStreamDestroy_v2 cuStreamIsCapturing cuStreamQuery cuStreamSynchronize cuStreamWaitEvent
}

library! {
    /// Closed, its functions return CUBLAS_STATUS_NOT_INITIALIZED.
    cublas: "libcublas.so.N" of "CUDA N", closed 1;
    cublasCreate_v2 cublasDestroy_v2 cublasDgemmStridedBatched cublasGemmStridedBatchedEx cublasSetStream_v2
    cublasSgemmStridedBatched
}

library! {
    /// Closed, its functions return CURAND_STATUS_NOT_INITIALIZED.
    curand: "libcurand.so.10" of "CUDA N", closed 101;
    curandCreateGenerator curandDestroyGenerator curandGenerateNormal curandGenerateNormalDouble
    curandGenerateUniform curandGenerateUniformDouble curandSetPseudoRandomGeneratorSeed curandSetStream
}

library! {
    /// What the code of candle's quantised products calls, which nvcc has written; it begins when a plugin is opened.
    /// Closed, its functions return cudaErrorStubLibrary.
    runtime: "libcudart.so.N" of "CUDA N", closed 34, first __cudaRegisterFatBinary;
    __cudaGetKernel __cudaInitModule __cudaLaunchKernel_ptsz __cudaPopCallConfiguration __cudaPushCallConfiguration
    __cudaRegisterFatBinaryEnd __cudaRegisterFunction __cudaRegisterVar __cudaUnregisterFatBinary
    cudaDeviceGetAttribute cudaFree cudaFreeAsync_ptsz cudaFuncGetAttributes cudaFuncSetAttribute cudaGetDevice
    cudaGetDeviceCount cudaGetLastError cudaLaunchKernelExC_ptsz cudaLaunchKernel_ptsz cudaMalloc cudaMallocAsync_ptsz
    cudaMemsetAsync_ptsz cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags cudaPeekAtLastError cudaSetDevice
    cudaStreamSynchronize_ptsz
}

library! {
    /// Those of its functions that return a text. Closed, it is null.
    runtime_texts: "libcudart.so.N" of "CUDA N", closed 0;
    cudaGetErrorName cudaGetErrorString
}
