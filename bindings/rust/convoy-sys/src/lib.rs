//! C interface of libconvoy. `convoy.h` says everything about threads, ownership and errors.
#![allow(non_camel_case_types)]
#![no_std]
extern crate std;

mod declarations;
pub use declarations::*;

/// The class of a status; what lies above is its detail.
pub const fn convoy_status_class(status: convoy_status) -> convoy_status {
    status & 0xff
}

