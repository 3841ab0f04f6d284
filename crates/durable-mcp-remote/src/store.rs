//! Files of one server's sign-in, in the folder and the form of npm `mcp-remote`, so that a change between the two costs no sign-in.

pub(crate) mod file;
mod import;
pub(crate) mod key;
mod lease;
pub(crate) mod records;

use std::env;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};

pub(crate) use file::StoreError;
pub(crate) use key::StoreKey;
pub(crate) use lease::RefreshLock;
use records::{PendingFlow, StoredClient, StoredTokens};

/// Name of the folder below the base, as the version of the reference's store has it.
const FOLDER: &str = "mcp-remote-v1";

/// Age after which a sign-in that was begun and never finished is swept, as the reference does.
pub(crate) const FLOW_LIFETIME: Duration = Duration::from_mins(10);

const TOKENS: &str = "tokens.json";
const SEEN: &str = "seen.json";
const CLIENT: &str = "client_info.json";

/// Files of one server.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: Arc<Path>,
    key: StoreKey,
}

impl Store {
    /// Store below `MCP_REMOTE_CONFIG_DIR` or `~/.mcp-auth`; registrations and tokens of `mcp-remote` before 0.14 are copied into a
    /// new one.
    ///
    /// # Errors
    /// If there is no home directory, or the folder belongs to or can be written by others.
    pub(crate) fn open(key: StoreKey) -> Result<Self, StoreError> {
        Self::open_below(&base()?, key)
    }

    /// [`Store::open`] with the base folder given.
    pub(crate) fn open_below(base: &Path, key: StoreKey) -> Result<Self, StoreError> {
        let folder = base.join(FOLDER);
        let is_new = file::ensure_folder(base, &folder)?;
        let store = Self {
            folder: folder.into(),
            key,
        };
        if is_new {
            import::copy_older(base, &store.folder);
        }
        Ok(store)
    }

    /// Stores of all servers that have tokens or a registration.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub(crate) fn all() -> Result<Vec<Self>, StoreError> {
        let base = base()?;
        let folder = base.join(FOLDER);
        if !folder.exists() {
            return Ok(Vec::new());
        }
        file::ensure_folder(&base, &folder)?;
        let folder: Arc<Path> = folder.into();
        let mut keys: Vec<StoreKey> = Vec::new();
        for entry in folder.read_dir().into_iter().flatten().flatten() {
            let name = entry.file_name();
            let key = name.to_str().and_then(|name| name.split_once('_'));
            let key = key.filter(|(_, name)| *name == TOKENS || *name == CLIENT);
            keys.extend(key.and_then(|(key, _)| StoreKey::parse(key)));
        }
        keys.sort_unstable();
        keys.dedup();
        Ok(keys
            .into_iter()
            .map(|key| Self {
                folder: Arc::clone(&folder),
                key,
            })
            .collect())
    }

    /// URL of the server, where `seen.json` names it: no other file does.
    pub(crate) fn seen_url(&self) -> Option<String> {
        Some(self.object(SEEN).ok()??.get("url")?.as_str()?.to_owned())
    }

    /// Key of the server, the first part of each file's name.
    pub(crate) fn key(&self) -> &StoreKey {
        &self.key
    }

    /// Path of the file that ends in `name`.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}_{name}", self.key))
    }

    /// Tokens that are stored now, also if another process wrote them.
    pub(crate) fn tokens(&self) -> Result<Option<StoredTokens>, StoreError> {
        Ok(self.object(TOKENS)?.and_then(StoredTokens::parse))
    }

    /// Replaces the tokens. Under [`Store::lock_refresh`], or a refresh that is under way may overwrite them.
    pub(crate) fn save_tokens(&self, tokens: &StoredTokens) -> Result<(), StoreError> {
        file::write(&self.path(TOKENS), &file::json(tokens.members()))
    }

    /// Replaces the tokens that a refresh began with; `false` if there are others by now, or none. Under [`Store::lock_refresh`].
    pub(crate) fn replace_tokens(
        &self,
        before: &StoredTokens,
        tokens: &StoredTokens,
    ) -> Result<bool, StoreError> {
        let is_same = self
            .tokens()?
            .is_some_and(|stored| stored.access_token() == before.access_token());
        if is_same {
            self.save_tokens(tokens)?;
        }
        Ok(is_same)
    }

    /// Deletes the tokens if they still are those with this access token: a newer pair of another process stays. Under
    /// [`Store::lock_refresh`].
    pub(crate) fn delete_tokens(&self, access_token: &str) -> Result<(), StoreError> {
        match self.tokens()? {
            Some(stored) if stored.access_token() == access_token => {
                file::delete(&self.path(TOKENS))
            }
            _ => Ok(()),
        }
    }

    /// Registered client, with its secret if it has one.
    pub(crate) fn client(&self) -> Result<Option<StoredClient>, StoreError> {
        Ok(self.object(CLIENT)?.and_then(StoredClient::parse))
    }

    /// Replaces the registered client.
    pub(crate) fn save_client(&self, client: &StoredClient) -> Result<(), StoreError> {
        file::write(&self.path(CLIENT), &file::json(client.members()))
    }

    /// Deletes the registered client if it still is this one.
    pub(crate) fn delete_client(&self, client_id: &str) -> Result<(), StoreError> {
        match self.client()? {
            Some(stored) if stored.client_id() == client_id => file::delete(&self.path(CLIENT)),
            _ => Ok(()),
        }
    }

    /// Record of the server that `seen.rs` wrote.
    pub(crate) fn seen(&self) -> Option<Vec<u8>> {
        file::read(&self.path(SEEN)).ok().flatten()
    }

    /// Replaces what is remembered of the server.
    pub(crate) fn save_seen(&self, bytes: &[u8]) -> Result<(), StoreError> {
        file::write(&self.path(SEEN), bytes)
    }

    /// Stores a sign-in that is about to begin, so that another process can finish it.
    pub(crate) fn save_flow(&self, flow: &PendingFlow) -> Result<(), StoreError> {
        file::write(
            &self.path(&verifier_name(&flow.state)),
            flow.verifier.as_bytes(),
        )?;
        file::write(
            &self.path(&discovery_name(&flow.state)),
            &file::json(&flow.discovery()),
        )
    }

    /// The sign-in that a `state` belongs to, if one is under way on this machine.
    pub(crate) fn flow(&self, state: &str) -> Result<Option<PendingFlow>, StoreError> {
        let is_young = PendingFlow::could_be_state(state)
            && file::age(&self.path(&verifier_name(state))).is_some_and(|age| age <= FLOW_LIFETIME);
        if is_young {
            self.flow_of_any_age(state)
        } else {
            Ok(None)
        }
    }

    /// The same, also after its time: for the process that waits for it, which may have slept.
    pub(crate) fn flow_of_any_age(&self, state: &str) -> Result<Option<PendingFlow>, StoreError> {
        if !PendingFlow::could_be_state(state) {
            return Ok(None);
        }
        let Some(verifier) = file::read(&self.path(&verifier_name(state)))? else {
            return Ok(None);
        };
        let discovery = self.object(&discovery_name(state))?.unwrap_or_default();
        Ok(String::from_utf8(verifier)
            .ok()
            .map(|verifier| PendingFlow::stored(state, verifier, &discovery)))
    }

    /// The sign-in with a link that began last, if one is under way on this machine.
    pub(crate) fn latest_flow(&self) -> Option<PendingFlow> {
        let states = self.files().into_iter().filter_map(|(path, name)| {
            let state = name
                .strip_prefix("code_verifier_")?
                .strip_suffix(".txt")?
                .to_owned();
            Some((file::age(&path)?, state))
        });
        let mut states: Vec<(Duration, String)> = states.collect();
        states.sort();
        states
            .into_iter()
            .find_map(|(_, state)| self.flow(&state).ok()?.filter(|flow| flow.link.is_some()))
    }

    /// Forgets a sign-in that is over.
    pub(crate) fn delete_flow(&self, state: &str) -> Result<(), StoreError> {
        if !PendingFlow::could_be_state(state) {
            return Ok(());
        }
        file::delete(&self.path(&verifier_name(state)))?;
        file::delete(&self.path(&discovery_name(state)))
    }

    /// Deletes what sign-ins and writers that ended too early left behind.
    pub(crate) fn sweep(&self) {
        let is_left = |name: &str| {
            name.starts_with("code_verifier_")
                || name.starts_with("discovery_state_")
                || has_extension(name, "tmp")
        };
        for (path, name) in self.files() {
            if is_left(&name) && file::age(&path).is_some_and(|age| age > FLOW_LIFETIME) {
                let _ = file::delete(&path);
            }
        }
    }

    /// Deletes tokens, registration and sign-ins under way, after a refresh that would store tokens again.
    pub(crate) async fn clear(&self) -> Result<(), StoreError> {
        // Without the lock, the refresh sees that its tokens are gone.
        let _lock = self.lock_refresh().await;
        for (path, name) in self.files() {
            // The lock stays: a process that waits for it holds the file open.
            if name != lease::LOCK_FILE && !has_extension(&name, "log") {
                file::delete(&path)?;
            }
        }
        Ok(())
    }

    /// Waits until no other process refreshes the tokens of this server, and keeps it so until the lock is dropped.
    pub(crate) async fn lock_refresh(&self) -> Result<RefreshLock, StoreError> {
        RefreshLock::acquire(self).await
    }

    /// Paths of this server's files, each with its name after the key.
    fn files(&self) -> Vec<(PathBuf, String)> {
        let prefix = format!("{}_", self.key);
        let Ok(entries) = self.folder.read_dir() else {
            return Vec::new();
        };
        entries
            .flatten()
            .filter_map(|entry| {
                let name = entry
                    .file_name()
                    .to_str()?
                    .strip_prefix(&prefix)?
                    .to_owned();
                Some((entry.path(), name))
            })
            .collect()
    }

    fn object(&self, name: &str) -> Result<Option<Map<String, Value>>, StoreError> {
        file::read_object(&self.path(name))
    }
}

/// Milliseconds since 1970, the clock of the reference's files.
pub(crate) fn now_ms() -> u64 {
    let since = now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the store reads the clock"
)]
fn now() -> SystemTime {
    SystemTime::now()
}

fn base() -> Result<PathBuf, StoreError> {
    if let Some(folder) = env::var_os("MCP_REMOTE_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
        return Ok(folder.into());
    }
    env::home_dir()
        .map(|home| home.join(".mcp-auth"))
        .ok_or(StoreError::NoHome)
}

fn verifier_name(state: &str) -> String {
    format!("code_verifier_{state}.txt")
}

fn discovery_name(state: &str) -> String {
    format!("discovery_state_{state}.json")
}

fn has_extension(name: &str, expected: &str) -> bool {
    Path::new(name)
        .extension()
        .is_some_and(|extension| extension == expected)
}

#[cfg(test)]
#[cfg(unix)]
pub(crate) mod tests;
