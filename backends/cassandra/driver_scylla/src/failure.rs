//! How a call ended, in the terms of driver.h.

use scylla::errors::{DbError, ExecutionError, PrepareError, RequestAttemptError};
use std::fmt::Display;
use std::panic::{catch_unwind, AssertUnwindSafe};

const OK: i32 = 0;
const REFUSED: i32 = 1;
const UNAVAILABLE: i32 = 2;
const UNCERTAIN: i32 = 3;
const FORKED: i32 = 4;
const BROKEN: i32 = 5;

const MESSAGE_BYTES: usize = 252;

#[repr(C)]
pub struct CFailure {
    code: i32,
    message: [u8; MESSAGE_BYTES],
}

pub struct Failure {
    code: i32,
    message: String,
}

impl Failure {
    pub fn refused(what: impl Display) -> Self {
        Failure { code: REFUSED, message: what.to_string() }
    }

    pub fn unavailable(what: impl Display) -> Self {
        Failure { code: UNAVAILABLE, message: what.to_string() }
    }

    pub fn forked() -> Self {
        Failure { code: FORKED, message: "the connection was made before a fork and belongs to the parent".into() }
    }

    pub fn broken(what: impl Display) -> Self {
        Failure { code: BROKEN, message: what.to_string() }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        Failure::unavailable(error)
    }
}

impl From<ExecutionError> for Failure {
    fn from(error: ExecutionError) -> Self {
        let code = match &error {
            ExecutionError::BadQuery(_) => REFUSED,
            ExecutionError::EmptyPlan | ExecutionError::ConnectionPoolError(_) | ExecutionError::PrepareError(_) => UNAVAILABLE,
            ExecutionError::LastAttemptError(attempt) => code_of_attempt(attempt),
            _ => UNCERTAIN,
        };
        Failure { code, message: error.to_string() }
    }
}

/// What is not known to have had no effect is uncertain.
fn code_of_attempt(attempt: &RequestAttemptError) -> i32 {
    match attempt {
        RequestAttemptError::SerializationError(_) | RequestAttemptError::CqlRequestSerialization(_) => REFUSED,
        RequestAttemptError::UnableToAllocStreamId => UNAVAILABLE,
        RequestAttemptError::DbError(error, _) => match error {
            DbError::SyntaxError
            | DbError::Invalid
            | DbError::AlreadyExists { .. }
            | DbError::AuthenticationError
            | DbError::Unauthorized
            | DbError::ConfigError => REFUSED,
            DbError::Unavailable { .. } | DbError::IsBootstrapping => UNAVAILABLE,
            _ => UNCERTAIN,
        },
        _ => UNCERTAIN,
    }
}

/// Runs an entry's body; a failure or a panic becomes its answer.
///
/// # Safety
/// `failure` is NULL or can be written.
pub unsafe fn guard(failure: *mut CFailure, body: impl FnOnce() -> Result<(), Failure>) -> i32 {
    let ended = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|_| Err(Failure::broken("the driver panicked")));
    let Err(error) = ended else { return OK };
    if let Some(told) = failure.as_mut() {
        let mut length = error.message.len().min(MESSAGE_BYTES - 1);
        while !error.message.is_char_boundary(length) {
            length -= 1;
        }
        told.code = error.code;
        told.message[..length].copy_from_slice(&error.message.as_bytes()[..length]);
        told.message[length] = 0;
    }
    error.code
}
