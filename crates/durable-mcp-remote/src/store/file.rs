//! Reading and writing of single files: whole or not at all, and only by their owner.

use std::error::Error;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

/// Size above which a file is none of ours: tokens have a few kilobytes, remembered lists of large servers a few hundred.
pub(crate) const MAX_BYTES: usize = 4 << 20;

/// Reason why the store cannot be used.
#[derive(Debug)]
pub(crate) enum StoreError {
    /// Neither `MCP_REMOTE_CONFIG_DIR` nor a home directory.
    NoHome,
    /// Others could read or replace what is stored.
    Unsafe {
        /// File or folder.
        path: PathBuf,
        /// Fault and command that mends it.
        reason: String,
    },
    /// Another process has held a lock for too long.
    Busy {
        /// File of the lock.
        path: PathBuf,
    },
    /// The system refused.
    Io {
        /// File or folder.
        path: PathBuf,
        /// Reason that the system gave.
        error: io::Error,
    },
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHome => formatter.write_str(
                "there is no home directory: set MCP_REMOTE_CONFIG_DIR to a folder for sign-ins",
            ),
            Self::Unsafe { path, reason } => {
                write!(formatter, "{} is not used: {reason}", path.display())
            }
            Self::Busy { path } => write!(
                formatter,
                "another program has been refreshing the tokens of this server for too long: try again, or end the one that holds {}",
                path.display()
            ),
            Self::Io { path, error } => write!(formatter, "{}: {error}", path.display()),
        }
    }
}

impl Error for StoreError {}

/// Makes the folder unless it is there; `true` if it is new.
pub(super) fn ensure_folder(base: &Path, folder: &Path) -> Result<bool, StoreError> {
    create_folder(base).map_err(|error| of(base, error))?;
    owner::check_folder(base, &fs::metadata(base).map_err(|error| of(base, error))?)?;
    let is_new = create_folder(folder).map_err(|error| of(folder, error))?;
    let metadata = fs::symlink_metadata(folder).map_err(|error| of(folder, error))?;
    if !metadata.is_dir() {
        let reason = "it has to be a folder, not a link or a file: move it away".to_owned();
        return Err(StoreError::Unsafe {
            path: folder.to_owned(),
            reason,
        });
    }
    owner::check_folder(folder, &metadata)?;
    owner::close_folder(folder, &metadata).map_err(|error| of(folder, error))?;
    Ok(is_new)
}

/// Bytes of a file, `None` if there is none.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true);
    owner::no_links(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) if owner::is_link(path) => {
            let reason = format!("it is a link ({error}): move it away");
            return Err(StoreError::Unsafe {
                path: path.to_owned(),
                reason,
            });
        }
        Err(error) => return Err(of(path, error)),
    };
    owner::check_file(path, &file.metadata().map_err(|error| of(path, error))?)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX);
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| of(path, error))?;
    Ok(Some(bytes))
}

/// Object of a JSON file, `None` if there is none. One that is broken is moved aside, so that it is told about once.
pub(super) fn read_object(path: &Path) -> Result<Option<Map<String, Value>>, StoreError> {
    let Some(bytes) = read(path)? else {
        return Ok(None);
    };
    if let Ok(object) = serde_json::from_slice(&bytes) {
        return Ok(Some(object));
    }
    // The reference writes in place where a rename fails: what is read there may only be unfinished.
    if age(path).is_some_and(|age| age < UNFINISHED) {
        return Ok(None);
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".broken");
    // Another process may have moved it already, and told.
    if fs::rename(path, &aside).is_ok() {
        eprintln!(
            "durable-mcp-remote: {} is not JSON; it is now {}",
            path.display(),
            Path::new(&aside).display()
        );
    }
    Ok(None)
}

/// Age below which a file that is no JSON may still be being written.
const UNFINISHED: Duration = Duration::from_millis(500);

/// Replaces a file in one step: after a crash or on a full disk the old content is still there.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = write_temporary(path, bytes)?;
    let mut renamed = fs::rename(&temporary, path);
    if renamed.is_err() {
        let _ = fs::remove_file(&temporary);
        // Windows renames no file over one that another process has open.
        if cfg!(windows) {
            renamed = fs::write(path, bytes);
        }
    }
    renamed.map_err(|error| of(path, error))?;
    sync_folder(path);
    Ok(())
}

/// Makes a file with this content; `false` if there is one already.
pub(super) fn create(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    let temporary = write_temporary(path, bytes)?;
    // A link is made only where nothing is, and with all of its content.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        // File systems without hard links.
        Err(_) => create_in_place(path, bytes),
    }
}

/// Deletes a file, if it is there.
pub(super) fn delete(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(of(path, error)),
        _ => Ok(()),
    }
}

/// Opens a file to lock, making it if it is not there.
pub(super) fn open_lock(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    owner::no_links(&mut options);
    owner::for_owner(&mut options);
    options.open(path).map_err(|error| of(path, error))
}

/// Time since a file was written, `None` if there is none.
pub(super) fn age(path: &Path) -> Option<Duration> {
    let modified = fs::symlink_metadata(path).ok()?.modified().ok()?;
    // In the future by another clock: new.
    Some(super::now().duration_since(modified).unwrap_or_default())
}

/// Text of a stored object, indented as the reference's.
pub(super) fn json(members: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec_pretty(members).unwrap_or_default()
}

fn create_in_place(path: &Path, bytes: &[u8]) -> Result<bool, StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owner::for_owner(&mut options);
    match options
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
    {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(of(path, error)),
    }
}

fn write_temporary(path: &Path, bytes: &[u8]) -> Result<PathBuf, StoreError> {
    let mut nonce = [0; 8];
    getrandom::fill(&mut nonce).map_err(|error| of(path, io::Error::other(error)))?;
    let mut name = path.as_os_str().to_owned();
    name.push(format!(
        ".{}.{:x}.tmp",
        std::process::id(),
        u64::from_le_bytes(nonce)
    ));
    let temporary = PathBuf::from(name);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    owner::for_owner(&mut options);
    let written = options.open(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(of(path, error));
    }
    Ok(temporary)
}

/// Makes the rename last through a crash, where folders can be synchronized.
fn sync_folder(path: &Path) {
    if let Some(folder) = path.parent()
        && let Ok(folder) = File::open(folder)
    {
        let _ = folder.sync_all();
    }
}

/// `true` if the folder is new.
fn create_folder(folder: &Path) -> io::Result<bool> {
    if folder.is_dir() {
        return Ok(false);
    }
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    owner::folder_for_owner(&mut builder);
    builder.create(folder)?;
    Ok(true)
}

fn of(path: &Path, error: io::Error) -> StoreError {
    StoreError::Io {
        path: path.to_owned(),
        error,
    }
}

#[cfg(unix)]
mod owner {
    use std::fs::{self, DirBuilder, Metadata, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    };
    use std::path::Path;

    use super::StoreError;

    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    pub(super) fn no_links(options: &mut OpenOptions) {
        let flags = rustix::fs::OFlags::NOFOLLOW.bits();
        options.custom_flags(i32::from_ne_bytes(flags.to_ne_bytes()));
    }

    pub(super) fn for_owner(options: &mut OpenOptions) {
        options.mode(0o600);
    }

    pub(super) fn folder_for_owner(builder: &mut DirBuilder) {
        builder.mode(0o700);
    }

    pub(super) fn is_link(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
    }

    /// The group may write: the reference makes folders so under the umask of many systems. [`close_folder`] ends that.
    pub(super) fn check_folder(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
        let open = metadata.mode() & OTHERS_WRITE != 0 && metadata.mode() & STICKY == 0;
        check(path, metadata, open, "chmod 700")
    }

    pub(super) fn check_file(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
        check(
            path,
            metadata,
            metadata.mode() & (GROUP_WRITES | OTHERS_WRITE) != 0,
            "chmod 600",
        )
    }

    fn check(path: &Path, metadata: &Metadata, open: bool, mend: &str) -> Result<(), StoreError> {
        let shown = path.display();
        let reason = if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0
        {
            format!("it belongs to another user; run: sudo chown \"$(id -u)\" '{shown}'")
        } else if open {
            format!("other users can write to it; run: {mend} '{shown}'")
        } else {
            return Ok(());
        };
        Err(StoreError::Unsafe {
            path: path.to_owned(),
            reason,
        })
    }

    /// Leaves the folder to its owner alone.
    pub(super) fn close_folder(path: &Path, metadata: &Metadata) -> io::Result<()> {
        let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if is_ours && metadata.mode() & 0o077 != 0 {
            fs::set_permissions(path, Permissions::from_mode(0o700))?;
        }
        Ok(())
    }
}

/// Profiles of Windows are closed to other users by their access lists.
#[cfg(not(unix))]
mod owner {
    use std::fs::{self, DirBuilder, Metadata, OpenOptions};
    use std::io;
    use std::path::Path;

    use super::StoreError;

    pub(super) fn no_links(_: &mut OpenOptions) {}

    pub(super) fn for_owner(_: &mut OpenOptions) {}

    pub(super) fn folder_for_owner(_: &mut DirBuilder) {}

    pub(super) fn is_link(path: &Path) -> bool {
        fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
    }

    pub(super) fn check_folder(_: &Path, _: &Metadata) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn check_file(_: &Path, _: &Metadata) -> Result<(), StoreError> {
        Ok(())
    }

    pub(super) fn close_folder(_: &Path, _: &Metadata) -> io::Result<()> {
        Ok(())
    }
}
