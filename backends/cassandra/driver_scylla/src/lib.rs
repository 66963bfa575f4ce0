//! `backends/cassandra/driver.h` on the scylla crate. Every entry catches panics; handles are boxes that C holds.

mod connect;
mod failure;
mod rows;
mod statement;

use failure::{guard, CFailure, Failure};
use std::ffi::{c_char, CStr};

/// A text of C's; `None` where it gave none.
///
/// # Safety
/// `text` is NULL or NUL-terminated and lives as long as the result is used.
unsafe fn text<'a>(text: *const c_char) -> Result<Option<&'a str>, Failure> {
    if text.is_null() {
        return Ok(None);
    }
    let bytes = CStr::from_ptr(text);
    bytes.to_str().map(Some).map_err(|_| Failure::refused("a text is not UTF-8"))
}

/// Runs an entry's body and hands its result over by `place`.
///
/// # Safety
/// `place` can be written; `failure` is NULL or can be written.
unsafe fn hand_over<T>(place: *mut *mut T, failure: *mut CFailure, body: impl FnOnce() -> Result<T, Failure>) -> i32 {
    guard(failure, || {
        *place = Box::into_raw(Box::new(body()?));
        Ok(())
    })
}

/// Runs what answers without a failure; a panic is `false`.
fn quietly(body: impl FnOnce() -> bool) -> i32 {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or(false) as i32
}

/// Drops what `hand_over` made, if anything. A panic while dropping is nobody's to hear.
///
/// # Safety
/// `handle` is NULL or came from `hand_over` and is not used again.
unsafe fn take_back<T>(handle: *mut T) {
    if !handle.is_null() {
        quietly(|| {
            drop(Box::from_raw(handle));
            true
        });
    }
}
