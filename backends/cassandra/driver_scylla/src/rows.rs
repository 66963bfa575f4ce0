//! Walking through rows, page by page.

use crate::failure::{guard, CFailure, Failure};
use crate::statement::Question;
use crate::{quietly, take_back};
use scylla::deserialize::row::ColumnIterator;
use scylla::response::query_result::{QueryResult, QueryRowsResult};
use scylla::response::{PagingState, PagingStateResponse};
use std::ops::ControlFlow;

/// A value within a page; `None` is null.
type Cell = Option<(*const u8, usize)>;

/// One page, and where its values are in it.
struct Page {
    _frame: QueryRowsResult, // keeps the bytes that the cells point to
    cells: Vec<Cell>,
    columns: usize,
}

impl Page {
    fn new(result: QueryResult) -> Result<Option<Self>, Failure> {
        if !result.is_rows() {
            return Ok(None);
        }
        let frame = result.into_rows_result().map_err(Failure::broken)?;
        let columns = frame.column_specs().len();
        let mut cells = Vec::with_capacity(columns * frame.rows_num());
        for row in frame.rows::<ColumnIterator>().map_err(Failure::broken)? {
            for column in row.map_err(Failure::broken)? {
                let bytes = column.map_err(Failure::broken)?.slice.map(|slice| slice.as_slice());
                cells.push(bytes.map(|bytes| (bytes.as_ptr(), bytes.len())));
            }
        }
        Ok(Some(Page { _frame: frame, cells, columns }))
    }
}

pub struct Rows {
    question: Question,
    page: Option<Page>,
    more: Option<PagingState>,
    next: usize, // the first cell of the row after this one
}

impl Rows {
    pub fn new(question: Question, result: QueryResult, more: PagingStateResponse) -> Result<Self, Failure> {
        let mut rows = Rows { question, page: None, more: None, next: 0 };
        rows.turn(result, more)?;
        Ok(rows)
    }

    fn turn(&mut self, result: QueryResult, more: PagingStateResponse) -> Result<(), Failure> {
        self.page = Page::new(result)?;
        self.next = 0;
        self.more = match more.into_paging_control_flow() {
            ControlFlow::Continue(state) => Some(state),
            ControlFlow::Break(()) => None,
        };
        Ok(())
    }

    /// # Safety
    /// The driver is open.
    unsafe fn advance(&mut self) -> Result<bool, Failure> {
        loop {
            if let Some(page) = &self.page {
                if self.next < page.cells.len() {
                    self.next += page.columns;
                    return Ok(true);
                }
            }
            let Some(state) = self.more.take() else { return Ok(false) };
            let asked = self.question.ask(state)?;
            let (result, more) = self.question.answer(asked)?;
            self.turn(result, more)?;
        }
    }

    /// A value of the row that was advanced to.
    fn cell(&self, column: u32) -> Option<&[u8]> {
        let page = self.page.as_ref()?;
        let column = column as usize;
        if column >= page.columns || self.next < page.columns {
            return None;
        }
        // The page is alive as long as self is borrowed.
        page.cells[self.next - page.columns + column].map(|(at, size)| unsafe { std::slice::from_raw_parts(at, size) })
    }

    fn number(&self, column: u32) -> Option<i64> {
        let bytes = self.cell(column)?;
        match bytes.len() {
            1 => Some(bytes[0] as i64),
            4 => Some(i32::from_be_bytes(bytes.try_into().ok()?) as i64),
            8 => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
            _ => None,
        }
    }
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_next(rows: *mut Rows, found: *mut i32, failure: *mut CFailure) -> i32 {
    guard(failure, || {
        *found = (*rows).advance()? as i32;
        Ok(())
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_number(rows: *const Rows, column: u32, number: *mut i64) -> i32 {
    quietly(|| {
        let Some(value) = (*rows).number(column) else { return false };
        *number = value;
        true
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_bytes(rows: *const Rows, column: u32, bytes: *mut *const u8, size: *mut u64) -> i32 {
    quietly(|| {
        let Some(value) = (*rows).cell(column) else { return false };
        *bytes = value.as_ptr();
        *size = value.len() as u64;
        true
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_rows_close(rows: *mut Rows) {
    take_back(rows);
}
