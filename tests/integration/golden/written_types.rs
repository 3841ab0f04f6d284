//! Types that are written and read again: each is of a format.

use super::*;

/// Types that are written as JSON and read again, and what they are part of. One that is missing here is of no format yet.
const WRITTEN: &[(&str, &[&str])] = &[
    (
        "durable-mcp-worker/http/sign_in/account.rs",
        &["AccountSession"],
    ),
    (
        "durable-mcp-worker/http/sign_in/flow.rs",
        &["SignInFlow", "RedirectedFlow"],
    ),
    (
        "durable-mcp-worker/http/sign_in/purpose.rs",
        &["SignInPurpose"],
    ),
    (
        "oauth-server/grants/authority/command.rs",
        &[
            "GrantCommand",
            "IssueCode",
            "Redeem",
            "Refresh",
            "ExchangeToken",
            "ClientCredentials",
            "Adopt",
            "GrantOutcome",
            "IssuedCode",
            "IssuedTokens",
            "ListedGrant",
            "GrantRefusal",
        ],
    ),
    (
        "oauth-server/grants/authority/exchange.rs",
        &["SealedIdentity"],
    ),
    (
        "oauth-server/grants/authority/relay_quota.rs",
        &["RelayRow", "Slot"],
    ),
    (
        "oauth-server/grants/authority/spending.rs",
        &["SpendingRow", "PendingSpending"],
    ),
    (
        "oauth-server/grants/authority/spending_quota.rs",
        &["SpendingQuota", "Allowance", "DailySpending"],
    ),
    ("oauth-server/grants/authority/refresh.rs", &["TokenPair"]),
    (
        "oauth-server/clients/client.rs",
        &[
            "AuthMethod",
            "ApplicationType",
            "ClientSource",
            "Client",
            "StoredClient",
        ],
    ),
    (
        "oauth-server/clients/document_cache.rs",
        &["CachedDocument"],
    ),
    (
        "oauth-server/grants/grant.rs",
        &["GrantInfo", "Grant", "LiveGrant"],
    ),
    (
        "oauth-server/grants/grant/ending.rs",
        &["LegacyRecords", "HeldElsewhere", "EndingGrant"],
    ),
    ("oauth-server/grants/grant/pending.rs", &["PendingGrant"]),
    (
        "oauth-server/grants/grant/tokens.rs",
        &[
            "UsedCode",
            "CurrentRefresh",
            "PreviousRefresh",
            "LiveAccess",
        ],
    ),
    (
        "oauth-server/grants/record.rs",
        &["StoredRecord", "RecordClaims"],
    ),
    (
        "oauth-server/grants/session_note.rs",
        &["TaskNotes", "SessionNote", "SessionNotes"],
    ),
    ("oauth-server/sign_in.rs", &["Authorization"]),
    ("durable-mcp-worker/task/command.rs", &["Written"]),
    ("durable-mcp-worker/task/record.rs", &["Status", "Written"]),
    // Parts of others, which check themselves.
    ("oauth-server/values/pkce.rs", &["CodeChallenge"]),
    ("oauth-server/clients/redirect_uri.rs", &["RedirectUri"]),
    ("oauth-server/values/resource.rs", &["Resource"]),
    ("oauth-server/values/scope.rs", &["Scope", "Scopes"]),
    ("oauth-server/grants/token.rs", &["UserHandle", "GrantId"]),
    // The log's, and what tools have of an identity provider: sign-in checks it when it is read.
    ("oauth-server/event.rs", &["GrantRef", "Event"]),
    ("sign-in/code_flow/tokens.rs", &["IdToken"]),
];

#[test]
fn every_stored_type_belongs_to_a_known_format() {
    // Without `durable-mcp-protocol`, which has MCP's own forms: the protocol's versions say them.
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for name in [
        "durable-core",
        "durable-mcp-worker",
        "oauth-server",
        "sign-in",
    ] {
        for (file, text) in sources_of(name) {
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            found
                .entry(format!("{name}/{file}"))
                .or_default()
                .extend(written_types(text));
        }
    }
    found.retain(|_, types| !types.is_empty());
    let known: BTreeMap<String, Vec<String>> = WRITTEN
        .iter()
        .map(|(file, types)| {
            (
                (*file).to_owned(),
                types.iter().map(|name| (*name).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(
        found, known,
        "what is new here needs a `Format` with golden files, or to be part of one"
    );
}

/// The types of a file that derive both `Serialize` and `Deserialize`, outside of examples.
fn written_types(text: &str) -> Vec<String> {
    let mut types = Vec::new();
    let mut derives = false;
    for line in text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
    {
        if line.starts_with("#[derive(") {
            derives = line.contains("Serialize")
                && line.contains("Deserialize")
                && line.matches("erialize").count() > 1;
        }
        let words: Vec<_> = line
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .collect();
        if let Some(at) = words
            .iter()
            .position(|word| ["struct", "enum"].contains(word))
            .filter(|_| derives)
        {
            types.push(words[at + 1].to_owned());
            derives = false;
        }
    }
    types
}

/// Source files of a crate: the path below `src`, and the text.
fn sources_of(name: &str) -> Vec<(String, String)> {
    let root = PathBuf::from(format!(
        "{}/../crates/{name}/src",
        env!("CARGO_MANIFEST_DIR")
    ));
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let below = path.strip_prefix(&root).unwrap().to_str().unwrap();
                found.push((below.to_owned(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}
