//! Reading texts and growing structs; runs under Miri.

use dreamwire_abi as abi;
use dreamwire_abi::field;

#[test]
fn texts_are_read_within_their_length() {
    let check = |text: abi::Str, bytes: Option<&[u8]>, words: Option<&str>| {
        // SAFETY: every text here is as long as it says, or null.
        unsafe {
            assert_eq!(text.bytes(), bytes);
            assert_eq!(text.text(), words);
        }
    };
    check(abi::Str::new("grüße"), Some("grüße".as_bytes()), Some("grüße"));
    check(abi::Str { len: 2, ..abi::Str::new("grüße") }, Some(b"gr"), Some("gr"));
    // In the middle of a letter.
    check(abi::Str { len: 3, ..abi::Str::new("grüße") }, Some(b"gr\xc3"), None);
    check(abi::Str::EMPTY, Some(&[]), Some(""));
    check(abi::Str { ptr: core::ptr::null(), len: 0 }, Some(&[]), Some(""));
    check(abi::Str { ptr: core::ptr::null(), len: 1 }, None, None);
}

unsafe extern "C" fn progress(_: *const abi::Call, _: u64, _: u64, _: abi::Str) -> abi::Status {
    abi::CANCELLED
}

unsafe extern "C" fn fail_with(_: *const abi::Call, _: *const abi::Failure) {}

/// What a host of minor 0 passes: the memory ends before `fail_with`.
#[repr(C)]
struct Old {
    size: u32,
    flags: u32,
    rest: [usize; (core::mem::offset_of!(abi::Call, fail_with) - 8) / size_of::<usize>()],
}

#[test]
fn a_field_behind_the_end_of_a_struct_is_not_there() {
    let size = core::mem::offset_of!(abi::Call, fail_with) as u32;
    let old = Box::new(Old {
        size,
        flags: 0,
        rest: [0; (core::mem::offset_of!(abi::Call, fail_with) - 8) / size_of::<usize>()],
    });
    let call: *const abi::Call = (&raw const *old).cast();
    // SAFETY: `size` says how far the struct may be read.
    unsafe {
        assert!(field!(call, abi::Call, fail_with).is_none());
        assert!(field!(call, abi::Call, progress).is_none());
    }
    let new = abi::Call {
        size: size_of::<abi::Call>() as u32,
        flags: 0,
        host: core::ptr::null_mut(),
        progress: Some(progress),
        preview: None,
        fail: None,
        log: None,
        read: None,
        publish: None,
        get_extension: None,
        max_threads: 0,
        reserved: 0,
        device: abi::DLDevice { device_type: abi::DL_CPU, device_id: 0 },
        stream: core::ptr::null_mut(),
        fail_with: Some(fail_with),
    };
    // SAFETY: a whole struct of this version.
    unsafe {
        assert!(field!(&raw const new, abi::Call, fail_with).is_some());
        let progress = field!(&raw const new, abi::Call, progress).expect("it was set");
        assert_eq!(progress(&raw const new, 0, 0, abi::Str::EMPTY), abi::CANCELLED);
    }
}
