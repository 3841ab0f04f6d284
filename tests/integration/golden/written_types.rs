//! Types that are written and read again: each is of a format.

use super::*;

/// Types that are written as JSON and read again, and what they are part of. One that is missing here is of no format yet.
const WRITTEN: &[(&str, &[&str])] = &[
    ("http/sign_in/account.rs", &["AccountSession"]),
    (
        "http/sign_in/flow.rs",
        &["SignInFlow", "SignInPurpose", "RedirectedFlow"],
    ),
    (
        "oauth/authority/command.rs",
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
    ("oauth/authority/exchange.rs", &["SealedIdentity"]),
    ("oauth/authority/relay_quota.rs", &["RelayRow", "Slot"]),
    (
        "oauth/authority/spending.rs",
        &[
            "SpendingQuota",
            "Allowance",
            "DailySpending",
            "SpendingRow",
            "PendingSpending",
        ],
    ),
    ("oauth/authority/refresh.rs", &["TokenPair"]),
    (
        "oauth/client.rs",
        &[
            "AuthMethod",
            "ApplicationType",
            "ClientSource",
            "Client",
            "StoredClient",
        ],
    ),
    ("oauth/document_cache.rs", &["CachedDocument"]),
    ("oauth/grant.rs", &["GrantInfo", "Grant", "LiveGrant"]),
    (
        "oauth/grant/ending.rs",
        &["LegacyRecords", "HeldElsewhere", "EndingGrant"],
    ),
    ("oauth/grant/pending.rs", &["PendingGrant"]),
    (
        "oauth/grant/tokens.rs",
        &[
            "UsedCode",
            "CurrentRefresh",
            "PreviousRefresh",
            "LiveAccess",
        ],
    ),
    ("oauth/record.rs", &["StoredRecord", "RecordClaims"]),
    (
        "oauth/session_note.rs",
        &["TaskNotes", "SessionNote", "SessionNotes"],
    ),
    ("oauth/sign_in.rs", &["Authorization"]),
    ("task/command.rs", &["Written"]),
    ("task/record.rs", &["Status", "Written"]),
    // Parts of others, which check themselves.
    ("oauth/pkce.rs", &["CodeChallenge"]),
    ("oauth/redirect_uri.rs", &["RedirectUri"]),
    ("oauth/resource.rs", &["Resource"]),
    ("oauth/scope.rs", &["Scope", "Scopes"]),
    ("oauth/token.rs", &["UserHandle", "GrantId"]),
    // The log's, and what tools have of an identity provider: sign-in checks it when it is read.
    ("oauth/event.rs", &["GrantRef", "Event"]),
    ("identity/code_flow/tokens.rs", &["IdToken"]),
];

#[test]
fn every_stored_type_belongs_to_a_known_format() {
    let root = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/crates/durable-mcp/src"
    ));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            // MCP's own forms, which its versions say, and what the demo's tools keep in their sessions.
            if path.extension().is_some_and(|kind| kind == "rs")
                && !name.starts_with("mcp/")
                && !name.starts_with("tools")
            {
                found.entry(name).or_default().extend(written_types(text));
            }
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
