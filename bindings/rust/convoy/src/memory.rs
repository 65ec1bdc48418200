//! Texts that cross the interface.
use std::ffi::CStr;
use std::os::raw::c_char;
use std::{ptr, slice};

use convoy_sys as sys;

pub(crate) fn slice_of(bytes: &[u8]) -> sys::convoy_slice {
    sys::convoy_slice { data: bytes.as_ptr().cast(), size: bytes.len() }
}

pub(crate) const EMPTY: sys::convoy_slice = sys::convoy_slice { data: ptr::null(), size: 0 };

/// What a slice borrows, for as long as its owner is there.
pub(crate) unsafe fn bytes_of<'a>(slice: sys::convoy_slice) -> &'a [u8] {
    if slice.size == 0 {
        return &[];
    }
    slice::from_raw_parts(slice.data.cast(), slice.size)
}

pub(crate) unsafe fn text_of(slice: sys::convoy_slice) -> String {
    String::from_utf8_lossy(bytes_of(slice)).into_owned()
}

/// A text that ends with NUL and outlives its use.
pub(crate) unsafe fn static_text<'a>(text: *const c_char) -> &'a str {
    if text.is_null() {
        return "";
    }
    CStr::from_ptr(text).to_str().unwrap_or("")
}

/// The text of a convoy_buf, which is freed.
pub(crate) unsafe fn take_buf(mut buf: sys::convoy_buf) -> String {
    let text = text_of(sys::convoy_slice { data: buf.data, size: buf.size });
    sys::convoy_buf_free(&mut buf);
    text
}

pub(crate) const NO_BUF: sys::convoy_buf = sys::convoy_buf { data: ptr::null_mut(), size: 0 };

pub(crate) fn headers_of<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> Vec<sys::convoy_header> {
    pairs
        .map(|(name, value)| sys::convoy_header {
            name: slice_of(name.as_bytes()),
            value: slice_of(value),
        })
        .collect()
}
