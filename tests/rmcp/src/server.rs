//! A server of the official Rust SDK at /mcp: 2026-07-28, and sessions for older clients. It prints its port.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, Method};
use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    ListResourcesResult, PaginatedRequestParams, PromptMessage, ReadResourceRequestParams,
    ReadResourceResponse, ReadResourceResult, Resource, ResourceContents, Role, ServerCapabilities,
    ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{
    ErrorData, RoleServer, ServerHandler, prompt, prompt_handler, prompt_router, schemars, tool,
    tool_handler, tool_router,
};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::net::TcpListener;
use tower_http::cors::{Any, CorsLayer};

const WORDS: &str = "text://words";

#[derive(Clone)]
struct Server;

#[derive(Deserialize, JsonSchema)]
struct Addends {
    a: f64,
    b: f64,
}

#[derive(Deserialize, JsonSchema)]
struct Question {
    topic: String,
}

#[tool_router]
impl Server {
    #[tool(description = "Add two numbers")]
    fn add(&self, Parameters(Addends { a, b }): Parameters<Addends>) -> String {
        (a + b).to_string()
    }
}

#[prompt_router]
impl Server {
    #[prompt(description = "A question")]
    async fn ask(
        &self,
        Parameters(Question { topic }): Parameters<Question>,
    ) -> Vec<PromptMessage> {
        vec![PromptMessage::new_text(
            Role::User,
            format!("Tell me about {topic}"),
        )]
    }
}

#[tool_handler]
#[prompt_handler]
impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(
            ServerCapabilities::builder()
                .enable_tools()
                .enable_resources()
                .enable_prompts()
                .build(),
        )
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(vec![Resource::new(
            WORDS, "words",
        )]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        if request.uri != WORDS {
            return Err(ErrorData::resource_not_found("There are only words.", None));
        }
        Ok(ReadResourceResult::new(vec![ResourceContents::text("some words", WORDS)]).into())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let service = StreamableHttpService::new(
        || Ok(Server),
        Arc::new(LocalSessionManager::default()),
        StreamableHttpServerConfig::default(),
    );
    let cors = CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(Any)
        .expose_headers([HeaderName::from_static("mcp-session-id")]);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("port {}", listener.local_addr()?.port());
    axum::serve(
        listener,
        Router::new().nest_service("/mcp", service).layer(cors),
    )
    .await?;
    Ok(())
}
