//! The jobs in a database: what the queue knows survives a kill.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, Row, named_params, params};
use serde::de::DeserializeOwned;

use super::record::{Order, Outcome, Record, State};

/// How the tables look; another number means another version of this program.
const VERSION: i64 = 1;
/// So many jobs that have ended are kept.
const KEPT: i64 = 10_000;
/// How long a statement waits for another process, which has no business here.
const BUSY: Duration = Duration::from_secs(5);

const SCHEMA: &str = "
    CREATE TABLE jobs (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        number REAL NOT NULL,
        client TEXT,
        prompt TEXT NOT NULL,
        extra TEXT NOT NULL,
        targets TEXT NOT NULL,
        state TEXT NOT NULL,
        created INTEGER NOT NULL,
        started INTEGER,
        ended INTEGER,
        starts INTEGER NOT NULL DEFAULT 0,
        outcome TEXT NOT NULL DEFAULT '{\"outputs\":{},\"messages\":[],\"error\":null}'
    );
    CREATE INDEX by_state ON jobs (state, number, place);
";

/// The columns of a record, in the order that `record` reads them.
const COLUMNS: &str = "id, number, client, prompt, extra, targets, state, created, started, ended, starts, outcome";
const ENDED: &str = "state NOT IN ('pending', 'in_progress')";

/// The database.
pub(crate) struct Store(Connection);

impl Store {
    /// Opens or creates it.
    ///
    /// # Errors
    /// It cannot be read or written, or another version has made it.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        Self::with(Connection::open(path)?)
    }

    fn with(connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY)?;
        // A killed process loses nothing in this mode; a power cut may take the last jobs.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        match connection.pragma_query_value(None, "user_version", |row| row.get(0))? {
            0i64 => {
                connection.execute_batch(SCHEMA)?;
                connection.pragma_update(None, "user_version", VERSION)?;
            }
            VERSION => {}
            other => return Err(StoreError::Version(other)),
        }
        Ok(Self(connection))
    }

    /// Adds a job at the end of those with its number.
    pub(crate) fn add(&self, order: &Order, now: i64) -> Result<(), StoreError> {
        let mut insert = self.0.prepare_cached(
            "INSERT INTO jobs (id, number, client, prompt, extra, targets, state, created)
             VALUES (:id, :number, :client, :prompt, :extra, :targets, 'pending', :created)",
        )?;
        insert.execute(named_params! {
            ":id": order.id, ":number": order.number, ":client": order.client,
            ":prompt": order.prompt.to_string(), ":extra": text(&order.extra)?,
            ":targets": text(&order.targets)?, ":created": now,
        })?;
        Ok(())
    }

    /// The pending job that is next.
    pub(crate) fn next(&self) -> Result<Option<Record>, StoreError> {
        self.one("state = 'pending' ORDER BY number, place LIMIT 1", [])
    }

    /// The job of that id.
    pub(crate) fn get(&self, id: &str) -> Result<Option<Record>, StoreError> {
        self.one("id = ?1", [id])
    }

    /// Notes that a job runs.
    pub(crate) fn begin(&self, id: &str, now: i64) -> Result<(), StoreError> {
        let mut update = self.0.prepare_cached(
            "UPDATE jobs SET state = 'in_progress', started = ?2, starts = starts + 1 WHERE id = ?1",
        )?;
        update.execute(params![id, now])?;
        Ok(())
    }

    /// Notes how a job has ended, and forgets the oldest ones beyond the limit. False if it had ended before.
    pub(crate) fn end(&self, id: &str, state: State, outcome: &Outcome, now: i64) -> Result<bool, StoreError> {
        let mut update = self.0.prepare_cached(&format!(
            "UPDATE jobs SET state = ?2, outcome = ?3, ended = ?4 WHERE id = ?1 AND NOT ({ENDED})"
        ))?;
        let changed = update.execute(params![id, state.name(), text(outcome)?, now])?;
        let mut forget = self.0.prepare_cached(&format!(
            "DELETE FROM jobs WHERE {ENDED} AND place NOT IN
             (SELECT place FROM jobs WHERE {ENDED} ORDER BY ended DESC, place DESC LIMIT {KEPT})
             AND (SELECT COUNT(*) FROM jobs) > {KEPT}"
        ))?;
        forget.execute([])?;
        Ok(changed > 0)
    }

    /// Puts the jobs that ran when the last server ended back into the queue; those that were begun `most` times are
    /// given back instead.
    pub(crate) fn recover(&self, most: u32) -> Result<Vec<Record>, StoreError> {
        let given_up = self.all("state = 'in_progress' AND starts >= ?1 ORDER BY place", [most])?;
        self.0.execute(
            "UPDATE jobs SET state = 'pending', started = NULL WHERE state = 'in_progress' AND starts < ?1",
            [most],
        )?;
        Ok(given_up)
    }

    /// Puts a running job back into the queue: the server ends, the job has not.
    pub(crate) fn put_back(&self, id: &str) -> Result<(), StoreError> {
        self.0.execute(
            "UPDATE jobs SET state = 'pending', started = NULL, starts = starts - 1
             WHERE id = ?1 AND state = 'in_progress'",
            [id],
        )?;
        Ok(())
    }

    /// Removes a pending job. False if it is not pending.
    pub(crate) fn remove_pending(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute("DELETE FROM jobs WHERE id = ?1 AND state = 'pending'", [id])? > 0)
    }

    /// Removes all pending jobs.
    pub(crate) fn clear_pending(&self) -> Result<usize, StoreError> {
        Ok(self.0.execute("DELETE FROM jobs WHERE state = 'pending'", [])?)
    }

    /// Forgets a job that has ended.
    pub(crate) fn forget(&self, id: &str) -> Result<bool, StoreError> {
        Ok(self.0.execute(&format!("DELETE FROM jobs WHERE id = ?1 AND {ENDED}"), [id])? > 0)
    }

    /// Forgets all jobs that have ended.
    pub(crate) fn forget_all(&self) -> Result<usize, StoreError> {
        Ok(self.0.execute(&format!("DELETE FROM jobs WHERE {ENDED}"), [])?)
    }

    /// How many jobs are pending or running.
    pub(crate) fn unfinished(&self) -> Result<usize, StoreError> {
        let sql = "SELECT COUNT(*) FROM jobs WHERE state IN ('pending', 'in_progress')";
        Ok(self.0.prepare_cached(sql)?.query_row([], |row| row.get::<_, i64>(0))?.unsigned_abs() as usize)
    }

    /// The largest number that a job has had.
    pub(crate) fn last_number(&self) -> Result<f64, StoreError> {
        let sql = "SELECT MAX(MAX(ABS(number)), COUNT(*)) FROM jobs";
        Ok(self.0.query_row(sql, [], |row| row.get::<_, Option<f64>>(0))?.unwrap_or(0.0))
    }

    /// The pending jobs in the order in which they will run.
    pub(crate) fn pending(&self) -> Result<Vec<Record>, StoreError> {
        self.all("state = 'pending' ORDER BY number, place", [])
    }

    /// The jobs that have ended, oldest first; of the newest ones `most`, after the newest `offset`.
    pub(crate) fn ended(&self, most: Option<i64>, offset: Option<i64>) -> Result<Vec<Record>, StoreError> {
        match (most, offset) {
            (most, Some(offset)) => {
                self.all(&format!("{ENDED} ORDER BY place LIMIT ?1 OFFSET ?2"), [most.unwrap_or(-1), offset])
            }
            (most, None) => {
                let most = most.unwrap_or(-1);
                let mut newest = self.all(&format!("{ENDED} ORDER BY place DESC LIMIT ?1"), [most])?;
                newest.reverse();
                Ok(newest)
            }
        }
    }

    /// All jobs, oldest first.
    pub(crate) fn everything(&self) -> Result<Vec<Record>, StoreError> {
        self.all("1 ORDER BY place", [])
    }

    fn one(&self, condition: &str, params: impl Params) -> Result<Option<Record>, StoreError> {
        let mut select = self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE {condition}"))?;
        Ok(select.query_row(params, record).optional()?)
    }

    fn all(&self, condition: &str, params: impl Params) -> Result<Vec<Record>, StoreError> {
        let mut select = self.0.prepare_cached(&format!("SELECT {COLUMNS} FROM jobs WHERE {condition}"))?;
        let records = select.query_map(params, record)?;
        Ok(records.collect::<Result<_, _>>()?)
    }
}

fn record(row: &Row<'_>) -> rusqlite::Result<Record> {
    Ok(Record {
        order: Order {
            id: row.get(0)?,
            number: row.get(1)?,
            client: row.get(2)?,
            prompt: parsed(row, 3)?,
            extra: parsed(row, 4)?,
            targets: parsed(row, 5)?,
        },
        state: State::of(&row.get::<_, String>(6)?).unwrap_or(State::Failed),
        created: row.get(7)?,
        started: row.get(8)?,
        ended: row.get(9)?,
        starts: row.get(10)?,
        outcome: parsed(row, 11)?,
    })
}

fn parsed<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

fn text(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(rusqlite::Error::ToSqlConversionFailure(Box::new(error))))
}

/// Why the jobs cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database's error.
    #[error("{0}")]
    Database(#[from] rusqlite::Error),
    /// It was made by another version of this program.
    #[error("it has version {0}, and this program knows version {VERSION}")]
    Version(i64),
}
