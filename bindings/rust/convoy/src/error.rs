//! Failures of calls.
use std::fmt;
use std::ptr;

use convoy_sys as sys;

use crate::memory;

pub type Result<T> = std::result::Result<T, Error>;

/// The class of a failure. Later versions may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument or a setting is wrong; the message names it.
    Invalid,
    NotFound,
    AlreadyExists,
    /// Not now: closed, started, another thread is inside.
    State,
    Denied,
    TooLarge,
    Busy,
    Timeout,
    Corrupt,
    NoMemory,
    /// The gateway belongs to the parent process.
    Forked,
    Internal,
    /// Called inside a callback of the same gateway.
    Reentrant,
    Unsupported,
    /// The REST API refused a call, with this status of HTTP.
    Api(u16),
    Other(i32),
}

impl ErrorKind {
    fn of(status: sys::convoy_status) -> Self {
        match sys::convoy_status_class(status) {
            sys::CONVOY_E_INVALID => Self::Invalid,
            sys::CONVOY_E_NOT_FOUND => Self::NotFound,
            sys::CONVOY_E_ALREADY_EXISTS => Self::AlreadyExists,
            sys::CONVOY_E_STATE => Self::State,
            sys::CONVOY_E_DENIED => Self::Denied,
            sys::CONVOY_E_TOO_LARGE => Self::TooLarge,
            sys::CONVOY_E_BUSY => Self::Busy,
            sys::CONVOY_E_TIMEOUT => Self::Timeout,
            sys::CONVOY_E_CORRUPT => Self::Corrupt,
            sys::CONVOY_E_NO_MEMORY => Self::NoMemory,
            sys::CONVOY_E_FORKED => Self::Forked,
            sys::CONVOY_E_INTERNAL => Self::Internal,
            sys::CONVOY_E_REENTRANT => Self::Reentrant,
            sys::CONVOY_E_UNSUPPORTED => Self::Unsupported,
            other => Self::Other(other),
        }
    }
}

/// A call that failed. Its message is one line and holds no secrets.
#[derive(Clone, Debug)]
pub struct Error {
    pub kind: ErrorKind,
    pub message: String,
    /// The same call may succeed later.
    pub is_retriable: bool,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), is_retriable: false }
    }

    /// Takes what a convoy_error says and frees it.
    pub(crate) unsafe fn take(error: *mut sys::convoy_error, status: sys::convoy_status) -> Self {
        if error.is_null() {
            return Self::new(ErrorKind::of(status), format!("status {status}"));
        }
        let taken = Self {
            kind: ErrorKind::of(sys::convoy_error_code(error)),
            message: memory::static_text(sys::convoy_error_message(error)).to_owned(),
            is_retriable: sys::convoy_error_is_retriable(error) != 0,
        };
        sys::convoy_error_free(error);
        taken
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// Calls a function whose last parameter is the error.
pub(crate) fn check(
    call: impl FnOnce(*mut *mut sys::convoy_error) -> sys::convoy_status,
) -> Result<()> {
    match check_declined(call)? {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotFound, "not a path of the gateway")),
    }
}

/// The same; false: CONVOY_DECLINED.
pub(crate) fn check_declined(
    call: impl FnOnce(*mut *mut sys::convoy_error) -> sys::convoy_status,
) -> Result<bool> {
    let mut error = ptr::null_mut();
    match call(&mut error) {
        sys::CONVOY_OK => Ok(true),
        sys::CONVOY_DECLINED => Ok(false),
        // SAFETY: a call that fails gives its error away.
        status => Err(unsafe { Error::take(error, status) }),
    }
}
