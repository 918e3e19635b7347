//! Disk cache: the token file that processes share, so that one request serves them all, and a restart needs none.
//!
//! All file I/O is on blocking threads. Only its owner may read the file; whatever else is at its path is
//! left alone, and tokens are fetched as without a cache.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use zeroize::Zeroizing;

use super::token::{Lifetime, Token};
use super::token_file::TokenFile;
use crate::error::Error;
use crate::runtime::time::sleep;
use crate::runtime::{self, lock};
use crate::sys;

/// The longest file that is read.
const MAX_SIZE: u64 = 1 << 20;

/// flock(2) has no time-out, so the lock is asked for again and again.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// What may be taken from the file.
#[derive(Debug)]
pub(super) enum Reading {
    Nothing,
    /// A token other than the one in hand, which some other process may have put there.
    OtherThan(Option<Token>),
}

pub(super) struct DiskCache {
    path: PathBuf,
    key: String,
    /// What the gateway refused last: it is not read again, even before it is gone from the file.
    refused: Mutex<Option<Token>>,
}

impl DiskCache {
    /// One client's part of the file.
    ///
    /// `key` must not depend on a secret, not even by a hash: who got hold of the file could try guesses on it. So a
    /// new secret goes on with the token of the old one, which is the same client's, until that ends.
    pub(super) fn new(path: &Path, key: String) -> Self {
        Self {
            // So that a process that changes its directory keeps its file.
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            key,
            refused: Mutex::default(),
        }
    }

    /// The file's token if it is good by `lifetime`, else one from `request`, which other processes wait for and then find in the file.
    /// Waits for theirs as long as `patience`.
    pub(super) async fn fetch(
        self: &Arc<Self>,
        reading: Reading,
        lifetime: Lifetime,
        patience: Duration,
        request: impl Future<Output = Result<Token, Error>>,
    ) -> Result<Token, Error> {
        let reading = Arc::new(reading);
        let look = || {
            let (this, reading) = (Arc::clone(self), Arc::clone(&reading));
            blocking(move || Ok(this.look(&this.load()?, &reading, &lifetime)))
        };
        match look().await {
            Ok(Some(token)) => return Ok(token),
            Ok(None) => {}
            Err(why) => {
                self.warn(&why);
                return request.await;
            }
        }
        let lock = match self.lock(patience).await {
            Ok(lock) => lock,
            Err(why) => {
                self.warn(&why);
                return request.await;
            }
        };
        if let Ok(Some(token)) = look().await {
            return Ok(token);
        }
        let token = request.await?;
        let (this, kept) = (Arc::clone(self), token.clone());
        let stored = blocking(move || {
            let _lock = lock;
            let mut file = this.load()?;
            file.put(&this.key, &kept, lifetime, SystemTime::now());
            this.write(&file)
        });
        if let Err(why) = stored.await {
            self.warn(&why);
        }
        Ok(token)
    }

    /// The gateway refused this token. Whether that is news, and [`DiskCache::forget_refused`] is due.
    pub(super) fn refuse(&self, token: Token) -> bool {
        let mut refused = lock(&self.refused);
        let known = refused.as_ref().is_some_and(|known| known.is_same(&token));
        *refused = Some(token);
        !known
    }

    /// Removes the refused token from the file, so that no restart brings it back.
    pub(super) async fn forget_refused(self: Arc<Self>, patience: Duration) {
        let forgotten = async {
            let lock = self.lock(patience).await?;
            let this = Arc::clone(&self);
            blocking(move || {
                let _lock = lock;
                let mut file = this.load()?;
                let refused = self::lock(&this.refused).clone();
                match refused.is_some_and(|token| file.remove(&this.key, &token)) {
                    true => this.write(&file),
                    false => Ok(()),
                }
            })
            .await
        };
        if let Err(why) = forgotten.await {
            self.warn(&why);
        }
    }

    fn warn(&self, why: &str) {
        let path = self.path.display();
        tracing::warn!("the token cache {path} is not used: {why}");
    }

    fn look(&self, file: &TokenFile, reading: &Reading, lifetime: &Lifetime) -> Option<Token> {
        let Reading::OtherThan(in_hand) = reading else {
            return None;
        };
        let token = file.token(&self.key, SystemTime::now(), lifetime)?;
        let refused = lock(&self.refused);
        let unwanted = [in_hand, &*refused];
        let is_unwanted =
            |one: &&Option<Token>| one.as_ref().is_some_and(|one| one.is_same(&token));
        (!unwanted.iter().any(is_unwanted)).then_some(token)
    }

    /// The file's content; empty, if there is none yet. Or why it is left alone.
    fn load(&self) -> Result<TokenFile, String> {
        let mut file = match OpenOptions::new()
            .read(true)
            // A FIFO, say, must not hold us.
            .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK)
            .open(&self.path)
        {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(TokenFile::default()),
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => {
                return Err("it is a symbolic link".to_owned());
            }
            Err(error) => return Err(format!("it cannot be opened: {error}")),
        };
        let found = file.metadata().map_err(|error| error.to_string())?;
        if !found.is_file() {
            return Err("it is no file".to_owned());
        }
        if found.uid() != sys::effective_user() {
            return Err(format!("it belongs to another user, {}", found.uid()));
        }
        if found.mode() & 0o077 != 0 {
            let mode = found.mode() & 0o777;
            return Err(format!(
                "others than its owner may open it: its mode is {mode:03o}, not 600"
            ));
        }
        if found.len() > MAX_SIZE {
            return Err(format!("it has {} bytes", found.len()));
        }
        // Long enough at once: what grows leaves copies behind.
        let length = usize::try_from(found.len()).unwrap_or_default();
        let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
        file.read_to_end(&mut content)
            .map_err(|error| format!("it cannot be read: {error}"))?;
        TokenFile::parse(&content).ok_or_else(|| {
            "it is no token cache of this version; remove it or name another".to_owned()
        })
    }

    /// As a new file that takes the place of the old one, so that who reads sees one of the two. Under the lock.
    fn write(&self, file: &TokenFile) -> Result<(), String> {
        let new = self.beside(".new");
        // Left by a process that was killed.
        std::fs::remove_file(&new).ok();
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut to| {
                to.write_all(&file.content())?;
                to.sync_all()
            })
            .and_then(|()| std::fs::rename(&new, &self.path));
        written.map_err(|error| format!("it cannot be written: {error}"))
    }

    async fn lock(&self, patience: Duration) -> Result<Lock, String> {
        let path = self.beside(".lock");
        let named = path.display().to_string();
        let open = move || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK) // as in `load`
                .open(path)
                .map_err(|error| format!("its lock file cannot be opened: {error}"))
        };
        let file = Arc::new(blocking(open).await?);
        let until = Instant::now() + patience;
        loop {
            let tried = Arc::clone(&file);
            let locked = blocking(move || match sys::try_lock(&tried) {
                Ok(true) => Ok(Some(Lock(tried))),
                Ok(false) => Ok(None),
                Err(error) => Err(format!("it cannot be locked: {error}")),
            });
            match locked.await? {
                Some(lock) => return Ok(lock),
                None if Instant::now() < until => sleep(LOCK_INTERVAL).await,
                None => {
                    let waited = patience.as_millis();
                    return Err(format!("another process has held {named} for {waited} ms"));
                }
            }
        }
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut path: OsString = self.path.clone().into();
        path.push(suffix);
        path.into()
    }
}

/// The right to fetch and write. Given back explicitly: a forked child has the same lock, as long as it runs.
struct Lock(Arc<File>);

impl Drop for Lock {
    fn drop(&mut self) {
        if let Err(error) = sys::unlock(&self.0) {
            tracing::warn!("a token cache cannot be unlocked: {error}");
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let done = runtime::blocking(work).await;
    done.unwrap_or_else(|error| Err(error.to_string()))
}
