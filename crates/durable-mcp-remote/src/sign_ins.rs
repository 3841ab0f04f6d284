//! `list` and `logout`: the stored sign-ins of this machine.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::arguments::Arguments;
use crate::log::{log_error, printable};
use crate::store::records::StoredTokens;
use crate::store::{Store, StoreError, now_ms};

/// Prints a line, or an object in JSON, for each server with something stored.
pub(crate) fn list(json: bool) -> ExitCode {
    let stores = match Store::all() {
        Ok(stores) => stores,
        Err(error) => return refused(&error.to_string()),
    };
    let entries: Vec<Value> = stores.iter().map(entry).collect();
    if json {
        println!("{:#}", Value::from(entries));
        return ExitCode::SUCCESS;
    }
    if entries.is_empty() {
        println!("nothing is stored");
    }
    for entry in entries {
        let text = |name: &str| {
            entry
                .get(name)
                .and_then(Value::as_str)
                .map(printable)
                .unwrap_or_default()
        };
        let name = [
            text("url"),
            text("issuer"),
            "a server without a name".to_owned(),
        ];
        let name = name
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        println!("{}  {name}  {}", text("key"), text("state"));
    }
    ExitCode::SUCCESS
}

/// Removes the sign-in of a server, as these flags have it.
pub(crate) fn remove(arguments: &Arguments) -> ExitCode {
    let removed = Store::open(arguments.store_key())
        .map_err(|error| error.to_string())
        .and_then(|store| {
            let had = has_sign_in(&store).map_err(|error| error.to_string())?;
            clear(&[store]).map(|()| had)
        });
    match removed {
        Ok(true) => println!("The sign-in is removed."),
        Ok(false) => println!(
            "Nothing is stored for this URL with these flags. Headers, resource and authorize parameters make another sign-in; `durable-mcp-remote list` shows all."
        ),
        Err(error) => return refused(&error),
    }
    ExitCode::SUCCESS
}

/// Removes all sign-ins.
pub(crate) fn remove_all() -> ExitCode {
    let removed = Store::all().map_err(|error| error.to_string());
    let removed = removed.and_then(|stores| clear(&stores).map(|()| stores.len()));
    match removed {
        Ok(count) => println!("{count} removed."),
        Err(error) => return refused(&error),
    }
    ExitCode::SUCCESS
}

fn has_sign_in(store: &Store) -> Result<bool, StoreError> {
    Ok(store.tokens()?.is_some() || store.client()?.is_some())
}

fn clear(stores: &[Store]) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("the system gives no event loop: {error}"))?;
    runtime.block_on(async {
        for store in stores {
            store.clear().await.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

fn entry(store: &Store) -> Value {
    let tokens = store.tokens().ok().flatten();
    let client = store.client().ok().flatten();
    let issuer = tokens.as_ref().and_then(StoredTokens::issuer);
    let issuer = issuer.or_else(|| client.as_ref().and_then(|client| client.issuer()));
    json!({
        "key": store.key().as_str(),
        "url": store.seen_url(),
        "issuer": issuer,
        "scope": tokens.as_ref().and_then(StoredTokens::scope),
        "state": state(tokens.as_ref()),
    })
}

fn state(tokens: Option<&StoredTokens>) -> &'static str {
    match tokens {
        None => "registered, not signed in",
        Some(tokens) if !tokens.is_expired(now_ms(), false) => "signed in",
        Some(tokens) if tokens.refresh_token().is_some() => "signed in, to be refreshed",
        Some(_) => "expired",
    }
}

fn refused(reason: &str) -> ExitCode {
    log_error(reason);
    ExitCode::FAILURE
}
