//! `login URL`: signs in and stores the tokens, before a client needs them.

use std::io::BufRead as _;
use std::process::ExitCode;
use std::sync::Arc;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode, Url};
use serde_json::json;

use crate::arguments::{Arguments, is_loopback};
use crate::event_loop::event_loop;
use crate::http::{Client, Request};
use crate::log::{log, log_error};
use crate::outcome::Outcome;
use crate::remote::{Remote, Terms};
use crate::seen::Seen;
use crate::session::SESSION_ID;
use crate::store::Store;
use crate::trouble::Trouble;

/// Signs in, and tells how it went.
pub(crate) fn run(arguments: &Arguments) -> ExitCode {
    let Some(runtime) = event_loop() else {
        return ExitCode::FAILURE;
    };
    let outcome = runtime.block_on(async {
        for warning in &arguments.warnings {
            log(warning);
        }
        let client = Client::new(arguments).map_err(|reason| (Outcome::Usage, reason))?;
        sign_in(arguments, Arc::new(client)).await
    });
    let code = match outcome {
        Ok(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Err((outcome, reason)) => {
            log_error(&reason);
            outcome.exit_code()
        }
    };
    // The thread that reads the terminal may still wait for a line.
    runtime.shutdown_background();
    code
}

/// Signs in if the server asks for it.
///
/// # Errors
///
/// The exit code, and one sentence that says what to do.
pub(crate) async fn sign_in(
    arguments: &Arguments,
    client: Arc<Client>,
) -> Result<String, (Outcome, String)> {
    let remote = Remote::new(arguments, Arc::clone(&client));
    if arguments.sign_in.paste {
        tokio::spawn(paste(client));
    }
    let response = remote
        .send(&request(&arguments.url.parsed), Terms::default())
        .await;
    let response = response.map_err(|trouble| (outcome_of(&trouble), trouble.error().1))?;
    if let Some(session) = response.headers.get(SESSION_ID) {
        end_session(&remote, &arguments.url.parsed, session).await;
    }
    let seen = Seen::load(
        Store::open(arguments.store_key()).ok(),
        &arguments.url.parsed,
    );
    seen.note_url();
    seen.saved().await;
    Ok(format!(
        "{} lets this machine in.",
        arguments.url.parsed.host_str().unwrap_or_default()
    ))
}

/// Ends the session that was opened. Servers that refuse this end it by themselves.
async fn end_session(remote: &Remote, url: &Url, session: &HeaderValue) {
    let mut end = Request {
        method: Method::DELETE,
        body: None,
        ..request(url)
    };
    end.headers.insert(SESSION_ID, session.clone());
    let terms = Terms {
        is_quiet: true,
        ..Terms::default()
    };
    remote.send(&end, terms).await.ok();
}

fn outcome_of(trouble: &Trouble) -> Outcome {
    match trouble {
        Trouble::Unsent(_) | Trouble::Lost(_) | Trouble::Barred(_) => Outcome::Unreachable,
        Trouble::Refused(refusal)
            if matches!(
                refusal.status,
                StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT
            ) =>
        {
            Outcome::Unreachable
        }
        Trouble::SignIn(_) => Outcome::SignInImpossible,
        Trouble::Refused(_) | Trouble::SessionLost(_) => Outcome::Refused,
    }
}

fn request(url: &Url) -> Request {
    let client = json!({ "name": "durable-mcp-remote", "version": env!("CARGO_PKG_VERSION") });
    let params =
        json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
    let body = json!({ "jsonrpc": "2.0", "id": "login", "method": "initialize", "params": params });
    let mut headers = HeaderMap::new();
    headers.insert(
        ACCEPT,
        HeaderValue::from_static("application/json, text/event-stream"),
    );
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Request {
        method: Method::POST,
        url: url.clone(),
        headers,
        body: Some(body.to_string().into()),
    }
}

/// Reads redirect URLs from the terminal and visits them, as a browser on this machine would.
async fn paste(client: Arc<Client>) {
    log("paste the address that the browser ends at, and press Enter");
    loop {
        let line = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin()
                .lock()
                .read_line(&mut line)
                .ok()
                .filter(|read| *read > 0)
                .map(|_| line)
        });
        let Ok(Some(line)) = line.await else { return };
        match Url::parse(line.trim()) {
            Ok(url) if is_loopback(&url) && url.query_pairs().any(|(name, _)| name == "state") => {
                let request = Request {
                    method: Method::GET,
                    url,
                    headers: HeaderMap::new(),
                    body: None,
                };
                match client.send(request, &Arc::default()).await {
                    Ok(response) if response.status.is_success() => return,
                    Ok(_) => log(
                        "that address belongs to another sign-in; paste the one of the link above",
                    ),
                    Err(failure) => log(&failure.reason),
                }
            }
            _ => log(
                "that is no address of the redirect; it begins with http://localhost: or http://127.0.0.1: and has a state",
            ),
        }
    }
}
