//! Sign-ins of `mcp-remote` before 0.14, which stored them in a folder per version.

use std::fs;
use std::path::{Path, PathBuf};

use super::file;

/// Copies registrations and tokens of the newest older folder into a new store. A sign-in that cannot be copied is made again.
pub(super) fn copy_older(base: &Path, folder: &Path) {
    let Some(newest) = older_folders(base).into_iter().max().map(|(_, path)| path) else {
        return;
    };
    let Ok(entries) = newest.read_dir() else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_sign_in = name.to_str().is_some_and(|name| {
            name.ends_with("_tokens.json") || name.ends_with("_client_info.json")
        });
        if is_sign_in && let Ok(Some(object)) = file::read_object(&entry.path()) {
            let _ = file::write(&folder.join(name), &file::json(&object));
        }
    }
}

/// Folders `mcp-remote-0.…` with their versions.
fn older_folders(base: &Path) -> Vec<(Vec<u32>, PathBuf)> {
    let Ok(entries) = fs::read_dir(base) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix("mcp-remote-")?;
            let numbers: Vec<u32> = version
                .split(['.', '-'])
                .map_while(|part| part.parse().ok())
                .collect();
            (numbers.first() == Some(&0)).then(|| (numbers, entry.path()))
        })
        .collect()
}
