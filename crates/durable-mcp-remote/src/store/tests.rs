use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use super::key::KeyParts;
use super::*;

/// Folder that is gone at the end of the test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path =
            env::temp_dir().join(format!("durable-mcp-remote-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    pub(crate) fn store(&self) -> Result<Store, StoreError> {
        Store::open_below(
            &self.0,
            StoreKey::new(&KeyParts {
                server: "https://example.com/mcp",
                ..KeyParts::default()
            }),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn tokens(access: &str) -> StoredTokens {
    let object =
        serde_json::from_value(json!({ "access_token": access, "refresh_token": "r" })).unwrap();
    StoredTokens::parse(object).unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn wait_until_finished(path: &Path) {
    while file::age(path).is_some_and(|age| age < Duration::from_secs(1)) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_refresh_replaces_only_the_tokens_that_it_began_with() {
    let folder = Folder::new("replace");
    let store = folder.store().unwrap();
    let stored = || {
        store
            .tokens()
            .unwrap()
            .map(|tokens| tokens.access_token().to_owned())
    };
    assert!(!store.replace_tokens(&tokens("a"), &tokens("b")).unwrap());
    assert_eq!(stored(), None);
    store.save_tokens(&tokens("a")).unwrap();
    assert!(store.replace_tokens(&tokens("a"), &tokens("b")).unwrap());
    assert!(!store.replace_tokens(&tokens("a"), &tokens("c")).unwrap());
    assert_eq!(stored().as_deref(), Some("b"));
}

#[tokio::test]
async fn a_logout_waits_for_a_refresh() {
    let folder = Folder::new("logout");
    let store = folder.store().unwrap();
    store.save_tokens(&tokens("a")).unwrap();
    let lock = store.lock_refresh().await.unwrap();
    let clearing = tokio::spawn({
        let store = store.clone();
        async move { store.clear().await }
    });
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(store.tokens().unwrap().is_some());
    drop(lock);
    clearing.await.unwrap().unwrap();
    assert!(store.tokens().unwrap().is_none());
}

#[test]
fn files_are_named_as_by_mcp_remote_and_readable_by_their_owner_only() {
    let folder = Folder::new("modes");
    let store = folder.store().unwrap();
    store.save_tokens(&tokens("a")).unwrap();
    let path = folder
        .0
        .join("mcp-remote-v1/8724945d3c4865fe12d6890203193588_tokens.json");
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(store.tokens().unwrap().unwrap().access_token(), "a");
}

#[test]
fn a_newer_pair_of_tokens_is_not_deleted() {
    let folder = Folder::new("newer");
    let store = folder.store().unwrap();
    store.save_tokens(&tokens("new")).unwrap();
    store.delete_tokens("old").unwrap();
    assert!(store.tokens().unwrap().is_some());
    store.delete_tokens("new").unwrap();
    assert!(store.tokens().unwrap().is_none());
}

#[test]
fn broken_json_is_moved_aside() {
    let folder = Folder::new("broken");
    let store = folder.store().unwrap();
    let path = store.path("tokens.json");
    fs::write(&path, "{\"access_token\":").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    wait_until_finished(&path);
    assert!(store.tokens().unwrap().is_none());
    assert!(!path.exists());
    assert!(store.path("tokens.json.broken").exists());
    store.save_tokens(&tokens("a")).unwrap();
    assert_eq!(store.tokens().unwrap().unwrap().access_token(), "a");
}

#[test]
fn a_file_or_folder_writable_by_others_is_refused_with_the_remedy() {
    let folder = Folder::new("open");
    let store = folder.store().unwrap();
    store.save_tokens(&tokens("a")).unwrap();
    let path = store.path("tokens.json");
    fs::set_permissions(&path, Permissions::from_mode(0o622)).unwrap();
    assert!(
        store
            .tokens()
            .unwrap_err()
            .to_string()
            .contains("run: chmod 600 '")
    );
    fs::set_permissions(folder.0.join(FOLDER), Permissions::from_mode(0o777)).unwrap();
    assert!(
        folder
            .store()
            .unwrap_err()
            .to_string()
            .contains("run: chmod 700 '")
    );
}

#[test]
fn a_folder_that_mcp_remote_left_open_is_closed() {
    let folder = Folder::new("umask");
    folder.store().unwrap();
    fs::set_permissions(folder.0.join(FOLDER), Permissions::from_mode(0o775)).unwrap();
    folder.store().unwrap();
    assert_eq!(mode(&folder.0.join(FOLDER)), 0o700);
}

#[test]
fn symbolic_links_are_not_followed() {
    let folder = Folder::new("links");
    let store = folder.store().unwrap();
    let target = folder.0.join("target.json");
    fs::write(&target, "{\"access_token\":\"a\"}").unwrap();
    symlink(&target, store.path("tokens.json")).unwrap();
    assert!(matches!(store.tokens(), Err(StoreError::Unsafe { .. })));
    store.save_tokens(&tokens("b")).unwrap();
    assert_eq!(
        fs::read_to_string(&target).unwrap(),
        "{\"access_token\":\"a\"}"
    );
    fs::rename(folder.0.join(FOLDER), folder.0.join("elsewhere")).unwrap();
    symlink(folder.0.join("elsewhere"), folder.0.join(FOLDER)).unwrap();
    assert!(matches!(folder.store(), Err(StoreError::Unsafe { .. })));
}

#[test]
fn a_failed_write_leaves_only_the_old_file() {
    let folder = Folder::new("full");
    let store = folder.store().unwrap();
    store.save_tokens(&tokens("a")).unwrap();
    let path = store.path("tokens.json");
    fs::create_dir(store.path("client_info.json")).unwrap();
    let client = StoredClient::public("id");
    assert!(store.save_client(&client).is_err());
    let left = folder.0.join(FOLDER).read_dir().unwrap().count();
    assert_eq!(left, 2);
    assert!(path.exists());
}

#[test]
fn a_stored_sign_in_is_found_by_its_state_alone() {
    let folder = Folder::new("flow");
    let store = folder.store().unwrap();
    let flow = PendingFlow {
        state: "abc-1".into(),
        verifier: "v".repeat(43),
        issuer: Some("https://as.example".into()),
        redirect_uri: Some("http://localhost:1/oauth/callback".into()),
        scope: None,
        link: Some("https://as.example/authorize".into()),
        is_opened: true,
        reference: serde_json::from_value(
            json!({ "authorizationServerUrl": "https://as.example" }),
        )
        .unwrap(),
    };
    store.save_flow(&flow).unwrap();
    let found = store.flow("abc-1").unwrap().unwrap();
    assert_eq!(
        (found.verifier, found.issuer, found.redirect_uri),
        (flow.verifier, flow.issuer, flow.redirect_uri)
    );
    assert_eq!(
        store.latest_flow().map(|flow| (flow.link, flow.is_opened)),
        Some((flow.link, true))
    );
    assert!(store.flow("abc-2").unwrap().is_none());
    store.delete_flow("abc-1").unwrap();
    assert!(store.flow("abc-1").unwrap().is_none());
}

#[tokio::test]
async fn sign_ins_of_older_versions_are_imported_into_a_new_store_only() {
    let folder = Folder::new("import");
    for (version, token) in [("0.1.9", "older"), ("0.1.38", "newest")] {
        let older = folder.0.join(format!("mcp-remote-{version}"));
        fs::create_dir(&older).unwrap();
        let path = older.join("8724945d3c4865fe12d6890203193588_tokens.json");
        fs::write(&path, json!({ "access_token": token }).to_string()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    let store = folder.store().unwrap();
    assert_eq!(store.tokens().unwrap().unwrap().access_token(), "newest");
    store.clear().await.unwrap();
    assert!(folder.store().unwrap().tokens().unwrap().is_none());
}

#[tokio::test(flavor = "current_thread")]
async fn the_second_of_two_refreshes_waits_for_the_first() {
    let folder = Folder::new("lock");
    let store = folder.store().unwrap();
    let first = store.lock_refresh().await.unwrap();
    assert!(store.path("refresh_in_progress.json").exists());
    let second = tokio::spawn({
        let store = store.clone();
        async move { store.lock_refresh().await.map(|_| ()) }
    });
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!second.is_finished());
    drop(first);
    second.await.unwrap().unwrap();
    assert!(!store.path("refresh_in_progress.json").exists());
}

#[tokio::test(flavor = "current_thread")]
async fn an_abandoned_lease_of_mcp_remote_delays_no_refresh() {
    let folder = Folder::new("lease");
    let store = folder.store().unwrap();
    let path = store.path("refresh_in_progress.json");
    let lease = json!({ "pid": i32::MAX - 1, "nonce": "n", "at": now_ms() }).to_string();
    file::write(&path, lease.as_bytes()).unwrap();
    let lock = store.lock_refresh().await.unwrap();
    drop(lock);
    assert!(!path.exists());
}
