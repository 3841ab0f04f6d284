//! Client programs and their commands to a user's object.

use oauth_server::authority::{
    Adopt, ClientCredentials, ExchangeToken, GrantCommand, IssueCode, Redeem, Refresh,
};
use oauth_server::pkce::CodeChallenge;
use oauth_server::resource::Resource;
use oauth_server::scope::Scopes;
use oauth_server::token::UserHandle;
use serde_json::{Value, json};

use super::{NOW, REDIRECT, USER, VERIFIER};

const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A client program, as the Worker knows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub(crate) id: &'static str,
    pub(crate) public: bool,
    pub(crate) refreshable: bool,
}

pub(crate) const PUBLIC: Client = Client {
    id: "public",
    public: true,
    refreshable: true,
};
pub(crate) const CONFIDENTIAL: Client = Client {
    id: "confidential",
    public: false,
    refreshable: true,
};
pub(crate) const SHORT: Client = Client {
    id: "short",
    public: true,
    refreshable: false,
};

pub(crate) fn scopes(text: &str) -> Scopes {
    Scopes::parse(text).unwrap()
}

pub(crate) fn resource(text: &str) -> Resource {
    Resource::parse(text).unwrap()
}

pub(crate) fn root() -> Resource {
    resource("https://server.example")
}

impl Client {
    pub(crate) fn begin(&self, handle: &UserHandle) -> IssueCode {
        IssueCode {
            handle: handle.clone(),
            client_id: self.id.to_owned(),
            client_name: Some("A client".to_owned()),
            client_is_public: self.public,
            refreshable: self.refreshable,
            redirect_uri: REDIRECT.to_owned(),
            challenge: Some(CodeChallenge::parse(CHALLENGE).unwrap()),
            scopes: scopes("read write"),
            audience: vec![root()],
            root: root(),
            subject: USER.to_owned(),
            props: json!({ "name": "Jürgen" }),
            sign_in: String::new(),
            agreed: None,
        }
    }

    pub(crate) fn redeem(&self, code: &str) -> Redeem {
        Redeem {
            code: code.to_owned(),
            client_id: self.id.to_owned(),
            redirect_uri: Some(REDIRECT.to_owned()),
            verifier: Some(VERIFIER.to_owned()),
            scopes: None,
            resources: Vec::new(),
            received: None,
        }
    }

    pub(crate) fn refresh(&self, token: &str) -> Refresh {
        Refresh {
            token: token.to_owned(),
            client_id: self.id.to_owned(),
            scopes: None,
            resources: Vec::new(),
        }
    }

    pub(crate) fn mint(&self, token: &str) -> ExchangeToken {
        ExchangeToken {
            token: token.to_owned(),
            client_id: self.id.to_owned(),
            scopes: Some(scopes("read")),
            resources: Vec::new(),
            seconds: Some(600),
        }
    }

    pub(crate) fn revoke(&self, token: &str) -> GrantCommand {
        GrantCommand::RevokeToken {
            token: token.to_owned(),
            client_id: self.id.to_owned(),
        }
    }

    pub(crate) fn issue(&self, handle: &UserHandle) -> ClientCredentials {
        ClientCredentials {
            handle: handle.clone(),
            client_id: self.id.to_owned(),
            client_name: None,
            scopes: scopes("read"),
            audience: vec![root()],
            root: root(),
            props: Value::Null,
        }
    }

    pub(crate) fn adopt(&self, token: &str) -> Adopt {
        Adopt {
            token: token.to_owned(),
            client_id: self.id.to_owned(),
            client_name: None,
            client_is_public: self.public,
            scopes: scopes("read write"),
            audience: vec![root()],
            root: root(),
            subject: "legacy-user".to_owned(),
            props: json!({ "name": "L" }),
            created: NOW / 1000 - 1000,
        }
    }
}
