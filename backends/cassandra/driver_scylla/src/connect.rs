//! Connecting, and what all statements share: the session, and the threads that drive it.

use crate::failure::{guard, CFailure, Failure};
use crate::{hand_over, text};
use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{SslConnector, SslMethod};
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session::{OpenSsl010Config, Session};
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::NewSessionError;
use scylla::frame::types::{Consistency, SerialConsistency};
use scylla::policies::load_balancing::DefaultPolicy;
use std::collections::BTreeSet;
use std::ffi::c_char;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Characters of a failure to connect that fit an error of the store.
const SAID: usize = 190;
const THREADS: usize = 2;
/// DDL and the agreement about it take long on small servers.
const DEFINE_TIMEOUT: Duration = Duration::from_secs(60);
/// In so many times that which one connection may take, all of connecting is over: the driver itself waits without an end for a node that takes
/// connections and says nothing in them.
const CONNECTING: u32 = 12;

#[repr(C)]
pub struct CSettings {
    hosts: *const c_char,
    keyspace: *const c_char,
    user: *const c_char,
    password: *const c_char,
    datacentre: *const c_char,
    tls_ca: *const c_char,
    tls_certificate: *const c_char,
    tls_key: *const c_char,
    tls: i32,
    local: i32,
    connect_timeout_ms: i64,
    request_timeout_ms: i64,
}

pub struct Driver {
    pub session: Arc<Session>,
    pub consistency: Consistency,
    pub serial: SerialConsistency,
    pub request_timeout: Duration,
    runtime: Runtime,
    process: u32,
}

impl Driver {
    /// The threads of the runtime, which a forked child does not have.
    pub fn runtime(&self) -> Result<&Runtime, Failure> {
        if std::process::id() == self.process {
            Ok(&self.runtime)
        } else {
            Err(Failure::forked())
        }
    }
}

fn milliseconds(count: i64) -> Duration {
    Duration::from_millis(count.max(1) as u64)
}

/// Of what OpenSSL has to say, the reason that comes first; the rest is where in its code.
fn refused_file(option: &str, file: &str, errors: ErrorStack) -> Failure {
    let reason = errors.errors().first().and_then(|error| error.reason()).unwrap_or("it is none");
    Failure::refused(format!("{option} {file} cannot be taken: {reason}"))
}

/// # Safety
/// As of `text`.
unsafe fn read_file<'a>(option: &str, path: *const c_char) -> Result<Option<(&'a str, Vec<u8>)>, Failure> {
    let Some(file) = text(path)? else { return Ok(None) };
    let bytes = std::fs::read(file).map_err(|error| Failure::refused(format!("{option} {file} cannot be read: {error}")))?;
    Ok(Some((file, bytes)))
}

/// # Safety
/// The texts of `settings` are as `text` wants them.
unsafe fn tls(settings: &CSettings) -> Result<OpenSsl010Config, Failure> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())
        .map_err(|error| Failure::refused(format!("TLS cannot be set up: {error}")))?;
    if let Some((file, _)) = read_file("tls_ca", settings.tls_ca)? {
        builder.set_ca_file(file).map_err(|errors| refused_file("tls_ca", file, errors))?;
    }
    if let Some((file, _)) = read_file("tls_certificate", settings.tls_certificate)? {
        builder.set_certificate_chain_file(file).map_err(|errors| refused_file("tls_certificate", file, errors))?;
    }
    if let Some((file, bytes)) = read_file("tls_key", settings.tls_key)? {
        // One with a passphrase is refused; OpenSSL by itself would ask for it at the terminal.
        PKey::private_key_from_pem_callback(&bytes, |_| Ok(0))
            .and_then(|key| builder.set_private_key(&key))
            .map_err(|errors| refused_file("tls_key", file, errors))?;
    }
    Ok(OpenSsl010Config::new(builder))
}

/// # Safety
/// The texts of `settings` are as `text` wants them.
unsafe fn builder(settings: &CSettings) -> Result<SessionBuilder, Failure> {
    let hosts = text(settings.hosts)?.ok_or_else(|| Failure::refused("no hosts given"))?;
    let mut policy = DefaultPolicy::builder().token_aware(true);
    if let Some(datacentre) = text(settings.datacentre)? {
        policy = policy.prefer_datacenter(datacentre.to_string());
    }
    let profile = ExecutionProfile::builder().load_balancing_policy(policy.build()).build();
    let mut builder = SessionBuilder::new()
        .known_nodes(hosts.split(','))
        .default_execution_profile_handle(profile.into_handle())
        .connection_timeout(milliseconds(settings.connect_timeout_ms))
        .keepalive_interval(Duration::from_secs(5))
        .keepalive_timeout(Duration::from_secs(10))
        .schema_agreement_timeout(DEFINE_TIMEOUT)
        .tcp_nodelay(true);
    if let Some(keyspace) = text(settings.keyspace)? {
        builder = builder.keyspaces_to_fetch([keyspace]);
    }
    if let (Some(user), Some(password)) = (text(settings.user)?, text(settings.password)?) {
        builder = builder.user(user, password);
    }
    if settings.tls != 0 {
        builder = builder.tls_context(Some(tls(settings)?));
    }
    Ok(builder)
}

/// What went wrong stands at the end of a long message, behind what it was in the middle of.
fn refusal_of(error: NewSessionError) -> Failure {
    let whole = error.to_string();
    if whole.contains("Authentication is required") {
        return Failure::unavailable("the servers want a user and a password");
    }
    let cut = whole.char_indices().rev().nth(SAID - 1).map_or(0, |(at, _)| at);
    let said = format!("{}{}", if cut > 0 { "… " } else { "" }, &whole[cut..]);
    match error {
        NewSessionError::EmptyKnownNodesList | NewSessionError::IllegalConfig(_) => Failure::refused(said),
        _ => Failure::unavailable(said),
    }
}

async fn connect(builder: SessionBuilder, limit: Duration) -> Result<Session, Failure> {
    match tokio::time::timeout(limit, builder.build()).await {
        Ok(built) => built.map_err(refusal_of),
        Err(_) => Err(Failure::unavailable(format!("a node takes connections and did not answer for {limit:?}"))),
    }
}

/// A datacentre that no node is in would leave nobody to talk to.
fn check_datacentre(session: &Session, wanted: Option<&str>) -> Result<(), Failure> {
    let cluster = session.get_cluster_state();
    let there: BTreeSet<&str> = cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.as_deref()).collect();
    match wanted {
        Some(name) if !there.contains(name) => {
            let names = there.into_iter().collect::<Vec<_>>().join(", ");
            Err(Failure::refused(format!("no node is in the datacentre {name}, only in {names}")))
        }
        _ => Ok(()),
    }
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_connect(settings: *const CSettings, driver: *mut *mut Driver, failure: *mut CFailure) -> i32 {
    hand_over(driver, failure, || {
        let settings = &*settings;
        let builder = builder(settings)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("cassandra")
            .enable_all()
            .build()
            .map_err(|error| Failure::unavailable(format!("no threads for the driver: {error}")))?;
        let session = runtime.block_on(connect(builder, CONNECTING * milliseconds(settings.connect_timeout_ms)))?;
        check_datacentre(&session, text(settings.datacentre)?)?;
        let local = settings.local != 0;
        Ok(Driver {
            session: Arc::new(session),
            consistency: if local { Consistency::LocalQuorum } else { Consistency::Quorum },
            serial: if local { SerialConsistency::LocalSerial } else { SerialConsistency::Serial },
            request_timeout: milliseconds(settings.request_timeout_ms),
            runtime,
            process: std::process::id(),
        })
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_close(driver: *mut Driver) {
    if driver.is_null() || (*driver).runtime().is_err() {
        return; // a child has none of the threads that closing would wait for
    }
    guard(std::ptr::null_mut(), || {
        let Driver { session, runtime, .. } = *Box::from_raw(driver);
        drop(session);
        runtime.shutdown_timeout(Duration::from_secs(5));
        Ok(())
    });
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_define(driver: *mut Driver, cql: *const c_char, failure: *mut CFailure) -> i32 {
    guard(failure, || {
        let driver = &*driver;
        let mut statement = scylla::statement::Statement::new(text(cql)?.unwrap_or_default());
        statement.set_request_timeout(Some(DEFINE_TIMEOUT));
        driver.runtime()?.block_on(driver.session.query_unpaged(statement, ()))?;
        Ok(())
    })
}

/// # Safety
/// As driver.h says.
#[no_mangle]
pub unsafe extern "C" fn driver_agree(driver: *mut Driver, failure: *mut CFailure) -> i32 {
    guard(failure, || {
        let driver = &*driver;
        let agreed = driver.runtime()?.block_on(driver.session.await_schema_agreement());
        agreed.map(|_| ()).map_err(Failure::unavailable)
    })
}
