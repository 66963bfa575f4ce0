//! Prepared statements, and requests under way.

use crate::connect::Driver;
use crate::failure::{guard, CFailure, Failure};
use crate::rows::Rows;
use crate::{hand_over, take_back, text};
use scylla::errors::ExecutionError;
use scylla::frame::types::{Consistency, SerialConsistency};
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::response::query_result::QueryResult;
use scylla::response::{PagingState, PagingStateResponse};
use scylla::serialize::row::{RowSerializationContext, SerializeRow};
use scylla::serialize::writers::RowWriter;
use scylla::serialize::SerializationError;
use scylla::statement::prepared::PreparedStatement;
use scylla::statement::Statement;
use std::ffi::c_char;
use std::sync::Arc;
use tokio::task::JoinHandle;

const READ: i32 = 0;
const READ_SERIAL: i32 = 1;
const WRITE: i32 = 2;
const TRANSACTION: i32 = 3;

const INT32: i32 = 1;
const INT64: i32 = 2;
const BOOLEAN: i32 = 3;
const BYTES: i32 = 4;

#[repr(C)]
pub struct CValue {
    kind: i32,
    number: i64,
    bytes: *const u8,
    size: u64,
}

/// The values of a request, each as the protocol writes it; `None` is null.
pub struct Values(Vec<Option<Vec<u8>>>);

impl Values {
    /// # Safety
    /// `values` points to `count` values, and their bytes to what they say.
    unsafe fn new(values: *const CValue, count: u64) -> Self {
        let values = if count == 0 { &[] } else { std::slice::from_raw_parts(values, count as usize) };
        Values(values.iter().map(|value| Self::encode(value)).collect())
    }

    unsafe fn encode(value: &CValue) -> Option<Vec<u8>> {
        match value.kind {
            INT32 => Some((value.number as i32).to_be_bytes().to_vec()),
            INT64 => Some(value.number.to_be_bytes().to_vec()),
            BOOLEAN => Some(vec![(value.number != 0) as u8]),
            BYTES if value.size == 0 => Some(Vec::new()),
            BYTES => Some(std::slice::from_raw_parts(value.bytes, value.size as usize).to_vec()),
            _ => None,
        }
    }
}

impl SerializeRow for &Values {
    fn serialize(&self, _: &RowSerializationContext<'_>, writer: &mut RowWriter) -> Result<(), SerializationError> {
        for value in &self.0 {
            let cell = writer.make_cell_writer();
            match value {
                None => cell.set_null(),
                Some(bytes) => cell.set_value(bytes).map_err(SerializationError::new)?,
            };
        }
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

pub type Prepared = Arc<PreparedStatement>;

fn settle(prepared: &mut PreparedStatement, driver: &Driver, mode: i32, rows_a_page: i32) -> Result<(), Failure> {
    prepared.set_request_timeout(Some(driver.request_timeout));
    prepared.set_page_size(rows_a_page.max(1));
    prepared.set_consistency(driver.consistency);
    match mode {
        READ | WRITE => prepared.set_is_idempotent(true),
        READ_SERIAL => {
            prepared.set_is_idempotent(true);
            prepared.set_consistency(match driver.serial {
                SerialConsistency::LocalSerial => Consistency::LocalSerial,
                SerialConsistency::Serial => Consistency::Serial,
            });
        }
        TRANSACTION => {
            prepared.set_is_idempotent(false);
            prepared.set_serial_consistency(Some(driver.serial));
            prepared.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy::new())));
        }
        _ => return Err(Failure::refused(format!("there is no mode {mode} of a statement"))),
    }
    Ok(())
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_prepare(
    driver: *mut Driver,
    cql: *const c_char,
    mode: i32,
    rows_a_page: i32,
    statement: *mut *mut Prepared,
    failure: *mut CFailure,
) -> i32 {
    hand_over(statement, failure, || {
        let driver = &*driver;
        let source = Statement::new(text(cql)?.unwrap_or_default());
        let mut prepared = driver.runtime()?.block_on(driver.session.prepare(source))?;
        settle(&mut prepared, driver, mode, rows_a_page)?;
        Ok(Arc::new(prepared))
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_release(statement: *mut Prepared) {
    take_back(statement);
}

pub type Page = Result<(QueryResult, PagingStateResponse), ExecutionError>;

/// What is asked, so that its next page can be asked for too.
pub struct Question {
    pub driver: *const Driver, // outlives its requests, as driver.h has it
    pub prepared: Prepared,
    pub values: Arc<Values>,
}

impl Question {
    /// # Safety
    /// The driver is open.
    pub unsafe fn ask(&self, from: PagingState) -> Result<JoinHandle<Page>, Failure> {
        let driver = &*self.driver;
        let session = driver.session.clone();
        let prepared = self.prepared.clone();
        let values = self.values.clone();
        Ok(driver.runtime()?.spawn(async move { session.execute_single_page(&prepared, &*values, from).await }))
    }

    /// # Safety
    /// The driver is open.
    pub unsafe fn answer(&self, asked: JoinHandle<Page>) -> Result<(QueryResult, PagingStateResponse), Failure> {
        let answered = (*self.driver).runtime()?.block_on(asked);
        Ok(answered.map_err(|error| Failure::broken(format!("the driver's task ended: {error}")))??)
    }
}

pub struct Request {
    question: Question,
    asked: JoinHandle<Page>,
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_begin(
    driver: *mut Driver,
    statement: *const Prepared,
    values: *const CValue,
    count: u64,
    request: *mut *mut Request,
    failure: *mut CFailure,
) -> i32 {
    hand_over(request, failure, || {
        let question = Question { driver, prepared: (*statement).clone(), values: Arc::new(Values::new(values, count)) };
        let asked = question.ask(PagingState::start())?;
        Ok(Request { question, asked })
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_await(request: *mut Request, rows: *mut *mut Rows, failure: *mut CFailure) -> i32 {
    guard(failure, || {
        let Request { question, asked } = *Box::from_raw(request);
        let (result, more) = question.answer(asked)?;
        if !rows.is_null() {
            *rows = Box::into_raw(Box::new(Rows::new(question, result, more)?));
        }
        Ok(())
    })
}
