//! Types that are written and read again: each is of a format.

use super::*;

/// Types that are written as JSON and read again, and what they are part of. One that is missing here is of no format yet.
const WRITTEN: &[(&str, &[&str])] = &[
    ("http/sign_in/account.rs", &["Session"]),
    ("http/sign_in/flow.rs", &["Flow", "Aim", "Left"]),
    (
        "oauth/authority/command.rs",
        &[
            "Command", "Begin", "Redeem", "Refresh", "Mint", "Issue", "Adopt", "Outcome", "Code",
            "Issued", "Listed", "Refused",
        ],
    ),
    ("oauth/authority/exchange.rs", &["SealedIdentity"]),
    ("oauth/authority/relaying.rs", &["Relayed", "Slot"]),
    (
        "oauth/authority/spending.rs",
        &["Quota", "Allowance", "Spent", "Spending", "UnderWay"],
    ),
    ("oauth/authority/refresh.rs", &["Pair"]),
    (
        "oauth/client.rs",
        &[
            "AuthMethod",
            "ApplicationType",
            "Origin",
            "Client",
            "Record",
        ],
    ),
    ("oauth/document_cache.rs", &["Kept"]),
    ("oauth/grant.rs", &["GrantInfo", "Grant", "Live"]),
    ("oauth/grant/ending.rs", &["Legacy", "Held", "Ending"]),
    ("oauth/grant/pending.rs", &["Pending"]),
    (
        "oauth/grant/tokens.rs",
        &["Spent", "Current", "Previous", "LiveAccess"],
    ),
    ("oauth/record.rs", &["Kept", "Claims"]),
    (
        "oauth/session_note.rs",
        &["TaskNotes", "SessionNote", "SessionNotes"],
    ),
    ("oauth/sign_in.rs", &["Authorization"]),
    ("task/command.rs", &["Written"]),
    ("task/record.rs", &["Status", "Written"]),
    // Parts of others, which check themselves.
    ("oauth/pkce.rs", &["Challenge"]),
    ("oauth/redirect_uri.rs", &["RedirectUri"]),
    ("oauth/resource.rs", &["Resource"]),
    ("oauth/scope.rs", &["Scope", "Scopes"]),
    ("oauth/token.rs", &["UserHandle", "GrantId"]),
    // The log's, and what tools have of an identity provider: sign-in checks it when it is read.
    ("oauth/event.rs", &["About", "Event"]),
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
