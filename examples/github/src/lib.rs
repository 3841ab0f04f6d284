//! A remote MCP server whose users sign in with GitHub. A tool is an async function, and a line in
//! `server`.

use durable_mcp::identity;
use durable_mcp::worker::{Fetch, Headers as RequestHeaders, Request, RequestInit};
use durable_mcp::{App, prelude::*};

/// The newest repositories come first.
const REPOSITORIES: &str = "https://api.github.com/user/repos?sort=pushed&per_page=10";

#[derive(Deserialize)]
struct Profile {
    login: String,
    name: Option<String>,
    upstream: Upstream,
}

#[derive(Deserialize)]
struct Upstream {
    access_token: String,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

async fn whoami(user: User<Profile>) -> String {
    let Profile { login, name, .. } = user.props;
    format!(
        "You are {}, {login} on GitHub.",
        name.as_ref().unwrap_or(&login)
    )
}

async fn repositories(user: User<Profile>) -> Result<String, ToolError> {
    let authorization = format!("Bearer {}", user.props.upstream.access_token);
    let headers = RequestHeaders::new();
    headers.set("accept", "application/vnd.github+json")?;
    headers.set("authorization", &authorization)?;
    headers.set("user-agent", env!("CARGO_PKG_NAME"))?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let request = Request::new_with_init(REPOSITORIES, &init)?;
    let mut response = Fetch::Request(request).send().await?;
    if response.status_code() != 200 {
        return Err(ToolError::new("GitHub refused. Try again in a minute."));
    }
    let found: Vec<Repository> = response.json().await?;
    let names: Vec<String> = found.into_iter().map(|one| one.full_name).collect();
    Ok(names.join("\n"))
}

fn server() -> Server {
    Server::new("my-github-mcp-server", env!("CARGO_PKG_VERSION"))
        .tool("whoami", "Tell who is signed in", whoami)
        .tool("repositories", "List the user's repositories", repositories)
}

fn app(env: &worker::Env) -> App {
    let app = App::new(server());
    match identity::from_variables(env) {
        Some(sign_in) => app.oauth(sign_in.oauth()),
        None => app,
    }
}

worker!(app);

#[cfg(test)]
mod tests {
    use durable_mcp::testing::{TestClient, json};

    #[test]
    fn a_user_is_shown_by_name_and_login() {
        let token = json!({ "access_token": "gho_1" });
        let profile = json!({ "login": "octocat", "name": "The Octocat", "upstream": token });
        let client = TestClient::new(super::server()).signed_in("github:583231", profile);
        let answer = client.call("whoami", json!({}));
        assert_eq!(answer.text(), "You are The Octocat, octocat on GitHub.");
    }
}
