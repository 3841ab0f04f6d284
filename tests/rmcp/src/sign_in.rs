//! A server that wants tokens. `OAUTH_URL` says where its `/mcp` is, and `DOCUMENT_URL` and `DOCUMENT_REDIRECT` are a
//! client's metadata document and the redirect URI in it.

use reqwest::header::LOCATION;
use rmcp::RoleClient;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt, RunningService};
use rmcp::transport::auth::OAuthState;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::transport::{
    AuthClient, AuthError, AuthorizationManager, AuthorizationRequest,
    StreamableHttpClientTransport,
};
use serde_json::Value;

use crate::within;

const REDIRECT: &str = "http://127.0.0.1:7777/callback";

type Connected = RunningService<RoleClient, ()>;

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set"))
}

async fn connect(manager: AuthorizationManager) -> Result<Connected, ClientInitializeError> {
    connect_as(manager, ClientLifecycleMode::Initialize).await
}

async fn connect_as(
    manager: AuthorizationManager,
    lifecycle: ClientLifecycleMode,
) -> Result<Connected, ClientInitializeError> {
    let config = StreamableHttpClientTransportConfig::with_uri(env("OAUTH_URL"));
    let client = AuthClient::new(reqwest::Client::new(), manager);
    within(().serve_with_lifecycle(
        StreamableHttpClientTransport::with_client(client, config),
        lifecycle,
    ))
    .await
}

/// The URL that a browser is redirected back to from the link, which is not opened here.
async fn follow(link: &str) -> String {
    let browser = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let answer = within(browser.get(link).send()).await.unwrap();
    let Some(location) = answer.headers().get(LOCATION) else {
        panic!(
            "{link}: {} {}",
            answer.status(),
            answer.text().await.unwrap_or_default()
        );
    };
    location.to_str().unwrap().to_owned()
}

async fn sign_in(request: AuthorizationRequest) -> Result<AuthorizationManager, AuthError> {
    let mut state = OAuthState::new(env("OAUTH_URL"), None).await?;
    within(state.start_authorization(request)).await?;
    let answer = follow(&state.get_authorization_url().await?).await;
    within(state.handle_callback_url(&answer)).await?;
    Ok(state.into_authorization_manager().expect("to be signed in"))
}

async fn call(client: &Connected, tool: &'static str) -> String {
    let result = within(client.call_tool(CallToolRequestParams::new(tool)))
        .await
        .unwrap();
    result.content[0].as_text().unwrap().text.clone()
}

async fn whoami(client: &Connected) -> Value {
    serde_json::from_str(&call(client, "whoami_user").await).unwrap()
}

#[tokio::test]
async fn rmcp_registers_signs_in_and_calls_a_tool() {
    let manager = sign_in(AuthorizationRequest::new(REDIRECT).with_client_name("rmcp"))
        .await
        .unwrap();
    let (id, _) = manager.get_credentials().await.unwrap();
    let client = connect(manager).await.unwrap();
    let me = whoami(&client).await;
    assert_eq!(
        (&me["id"], &me["client"]),
        (&Value::from("test"), &Value::from(id))
    );
    assert_eq!(me["resource"], env("OAUTH_URL"));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn stateless_calls_of_a_user_share_one_state() {
    let manager = sign_in(AuthorizationRequest::new(REDIRECT)).await.unwrap();
    let lifecycle = ClientLifecycleMode::Discover {
        preferred_versions: vec![ProtocolVersion::V_2026_07_28],
    };
    let client = connect_as(manager, lifecycle).await.unwrap();
    assert_eq!(whoami(&client).await["id"], "test");
    // The answer is the number alone: it has no name to tell.
    let first: u64 = call(&client, "increment").await.parse().unwrap();
    assert_eq!(call(&client, "increment").await, (first + 1).to_string());
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn the_client_id_may_be_the_url_of_a_metadata_document() {
    let request = AuthorizationRequest::new(env("DOCUMENT_REDIRECT"))
        .with_client_metadata_url(env("DOCUMENT_URL"));
    let client = connect(sign_in(request).await.unwrap()).await.unwrap();
    assert_eq!(whoami(&client).await["client"], env("DOCUMENT_URL"));
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn the_challenge_to_a_request_without_a_token_leads_to_sign_in() {
    let manager = AuthorizationManager::new(env("OAUTH_URL")).await.unwrap();
    let Err(error) = connect(manager).await else {
        panic!("it was let in without a token")
    };
    let challenge = error.auth_challenge().expect("a challenge");
    let request = AuthorizationRequest::new(REDIRECT)
        .with_challenge(challenge)
        .with_initial_scope_selection();
    let client = connect(sign_in(request).await.unwrap()).await.unwrap();
    assert_eq!(
        whoami(&client).await["scopes"],
        serde_json::json!(["read", "write", "admin"])
    );
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_refreshed_token_is_new_and_works() {
    let manager = sign_in(AuthorizationRequest::new(REDIRECT)).await.unwrap();
    let before = manager.get_access_token().await.unwrap();
    within(manager.refresh_token()).await.unwrap();
    let after = manager.get_access_token().await.unwrap();
    assert_ne!(before, after);
    within(manager.refresh_token()).await.unwrap();
    let client = connect(manager).await.unwrap();
    assert_eq!(whoami(&client).await["id"], "test");
    client.cancel().await.unwrap();
}

#[tokio::test]
async fn a_step_up_grants_the_scopes_that_a_tool_needs() {
    let mut state = OAuthState::new(env("OAUTH_URL"), None).await.unwrap();
    let request = AuthorizationRequest::new(REDIRECT).with_scopes(["read"]);
    within(state.start_authorization(request)).await.unwrap();
    let answer = follow(&state.get_authorization_url().await.unwrap()).await;
    within(state.handle_callback_url(&answer)).await.unwrap();
    let link = state
        .request_scope_upgrade("admin", REDIRECT)
        .await
        .unwrap();
    within(state.handle_callback_url(&follow(&link).await))
        .await
        .unwrap();
    let client = connect(state.into_authorization_manager().unwrap())
        .await
        .unwrap();
    assert_eq!(
        whoami(&client).await["scopes"],
        serde_json::json!(["read", "admin"])
    );
    assert_eq!(call(&client, "admin_only").await, "done");
    client.cancel().await.unwrap();
}
