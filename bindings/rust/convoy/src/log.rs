//! Log lines that wait in the library until the host asks for them.
use std::ptr;

use convoy_sys as sys;

use crate::error::{check, Result};
use crate::gateway::Gateway;
use crate::memory::{take_buf, NO_BUF};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Debug,
    Info,
    Warning,
    Error,
}

impl LogLevel {
    fn of(level: u32) -> Self {
        match level {
            sys::CONVOY_LOG_DEBUG => Self::Debug,
            sys::CONVOY_LOG_INFO => Self::Info,
            sys::CONVOY_LOG_WARNING => Self::Warning,
            _ => Self::Error,
        }
    }
}

#[derive(Clone, Debug)]
pub struct LogLine {
    pub level: LogLevel,
    /// What happened, in words that do not change.
    pub event: String,
    /// The same with the details.
    pub message: String,
    /// Lines that were dropped by then, because gateway.log_lines_max of them waited.
    pub dropped_count: u64,
}

impl Gateway {
    /// The log lines that wait, the oldest first; it does not wait for more. The setting
    /// gateway.log_lines_max turns them on.
    pub fn log_lines(&self) -> impl Iterator<Item = LogLine> + '_ {
        std::iter::from_fn(move || self.next_log_line().ok().flatten())
    }

    /// The oldest log line that waits; `None`: there is none.
    pub fn next_log_line(&self) -> Result<Option<LogLine>> {
        let (mut level, mut dropped_count) = (0, 0);
        let (mut event, mut message) = (NO_BUF, NO_BUF);
        check(|error| unsafe {
            let (event, message) = (ptr::addr_of_mut!(event), ptr::addr_of_mut!(message));
            sys::convoy_gateway_next_log(
                self.handle(),
                &mut level,
                event,
                message,
                &mut dropped_count,
                error,
            )
        })?;
        if message.data.is_null() {
            return Ok(None);
        }
        // SAFETY: both are the library's, and this function's to free.
        let (event, message) = unsafe { (take_buf(event), take_buf(message)) };
        Ok(Some(LogLine { level: LogLevel::of(level), event, message, dropped_count }))
    }
}
