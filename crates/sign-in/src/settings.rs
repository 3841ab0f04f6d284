//! Choice of the identity provider, from a deployment's variables and secrets. A new provider is named here, and in `subjects.rs`
//! of the crate's root.

use std::rc::Rc;

use oauth_server::secret::Secret;

use super::access::Access;
use super::allowed::AllowList;
use super::cloudflare::{self, Cloudflare};
use super::code_flow::ProviderCredentials;
use super::demo::Demo;
use super::github::{self, GitHub};
use super::oidc::{self, Oidc, Prompt};
use super::upstream::is_trustworthy;
use super::{DynIdentityProvider, IdentityError};

/// The variable that names the provider.
pub const IDENTITY_PROVIDER: &str = "IDENTITY_PROVIDER";

/// Values of the variable, for the error text.
const PROVIDERS: &str = "none, demo, github, cloudflare, google, oidc or access";

/// The variable that has to be `true` for the demo provider, which accepts any name.
pub const DEMO_LOGIN: &str = "DEMO_LOGIN";

/// Lists of who may sign in, each with the provider that reads it and the form of its entries.
const LISTS: [AllowListVariables; 4] = [
    AllowListVariables {
        name: "GITHUB_ALLOWED",
        provider: "github",
        is_good: |entry| !entry.contains('@'),
    },
    AllowListVariables {
        name: "GITHUB_GROUPS",
        provider: "github",
        is_good: |entry| entry.starts_with("org:") || entry.contains('/'),
    },
    AllowListVariables {
        name: "GOOGLE_ALLOWED",
        provider: "google",
        is_good: |entry| entry.contains('@'),
    },
    AllowListVariables {
        name: "OIDC_ALLOWED",
        provider: "oidc",
        is_good: |entry| entry.contains('@'),
    },
];

/// Variables that are no list, by the provider whose list an operator may take each for.
const NO_LISTS: [(&str, &str); 3] = [
    ("cloudflare", "CLOUDFLARE_ALLOWED"),
    ("access", "ACCESS_ALLOWED"),
    ("demo", "DEMO_ALLOWED"),
];

/// A list of who may sign in.
struct AllowListVariables {
    name: &'static str,
    provider: &'static str,
    /// Checks that an entry, in lower case, has a form by which the provider can match a person.
    is_good: fn(&str) -> bool,
}

type Chosen = Result<Rc<dyn DynIdentityProvider>, IdentityError>;

/// The provider that the variables name; `None` for a server without sign-in. `read` returns a variable or a secret by name.
///
/// # Errors
/// [`IdentityError::Misconfigured`] if the name is not known, or something that the provider needs is missing.
///
/// ```
/// use sign_in::settings::provider;
///
/// let error = provider(&|name| (name == "IDENTITY_PROVIDER").then(|| "github".to_owned())).err().unwrap();
/// assert!(error.to_string().contains("wrangler secret put GITHUB_CLIENT_ID"));
/// ```
pub fn provider(
    read: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Rc<dyn DynIdentityProvider>>, IdentityError> {
    let settings = ProviderSettings(read);
    let name = settings
        .text(IDENTITY_PROVIDER)
        .unwrap_or_else(|| "none".to_owned());
    settings.check_no_list(&name)?;
    match name.as_str() {
        "none" => return Ok(None),
        "demo" => settings.demo(),
        "github" => settings.github(),
        "cloudflare" => settings.cloudflare(),
        "google" => settings.google(),
        "oidc" => settings.oidc(),
        "access" => settings.access(),
        // The value may be a secret that was set as the wrong variable.
        _ => Err(wrong(format!(
            "{IDENTITY_PROVIDER} names no identity provider. Set it to {PROVIDERS}."
        ))),
    }
    .map(Some)
}

/// Warning about lists that keep nobody out, since another provider signs people in, or none.
#[must_use]
pub fn unused_lists(read: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let settings = ProviderSettings(read);
    let chosen = settings
        .text(IDENTITY_PROVIDER)
        .unwrap_or_else(|| "none".to_owned());
    let unused = LISTS
        .iter()
        .filter(|list| list.provider != chosen && settings.text(list.name).is_some());
    let told = unused.map(|AllowListVariables { name, provider, .. }| {
        format!("{name} keeps nobody out: it is looked at where {IDENTITY_PROVIDER} is {provider}.")
    });
    told.collect()
}

struct ProviderSettings<'a>(&'a dyn Fn(&str) -> Option<String>);

/// A URL that paths are put behind.
fn checked_url(name: &str, url: &str) -> Result<String, IdentityError> {
    if is_trustworthy(url) && !url.contains(['?', '#']) {
        return Ok(url.trim_end_matches('/').to_owned());
    }
    Err(wrong(format!(
        "{name} is no https URL without a query. Correct it in wrangler.toml."
    )))
}

fn wrong(text: String) -> IdentityError {
    IdentityError::Misconfigured(text)
}

impl ProviderSettings<'_> {
    fn demo(&self) -> Chosen {
        if self.text(DEMO_LOGIN).as_deref() != Some("true") {
            return Err(wrong(format!(
                "The demo sign-in takes everybody for whoever they say they are. Set {DEMO_LOGIN} to true if that is what \
                 you want, or {IDENTITY_PROVIDER} to another provider."
            )));
        }
        Ok(Rc::new(Demo))
    }

    fn github(&self) -> Chosen {
        Ok(Rc::new(GitHub {
            credentials: self.credentials("GITHUB", true)?,
            url: self.url("GITHUB_URL", github::URL)?,
            api: self.url("GITHUB_API_URL", github::API_URL)?,
            scopes: self
                .text("GITHUB_SCOPES")
                .unwrap_or_else(|| github::SCOPES.to_owned()),
            allowed: self.list("GITHUB_ALLOWED")?,
            groups: self.list("GITHUB_GROUPS")?,
        }))
    }

    fn cloudflare(&self) -> Chosen {
        Ok(Rc::new(Cloudflare {
            credentials: self.credentials("CLOUDFLARE", true)?,
            authorize: self.url("CLOUDFLARE_AUTHORIZE_URL", cloudflare::AUTHORIZE_URL)?,
            token: self.url("CLOUDFLARE_TOKEN_URL", cloudflare::TOKEN_URL)?,
            api: self.url("CLOUDFLARE_API_URL", cloudflare::API_URL)?,
            scopes: self
                .text("CLOUDFLARE_SCOPES")
                .unwrap_or_else(|| cloudflare::SCOPES.to_owned()),
        }))
    }

    fn google(&self) -> Chosen {
        let credentials = self.credentials("GOOGLE", true)?;
        Ok(Rc::new(Oidc::new(
            oidc::GOOGLE.to_owned(),
            credentials,
            self.text("GOOGLE_SCOPES")
                .unwrap_or_else(|| oidc::SCOPES.to_owned()),
            self.list("GOOGLE_ALLOWED")?,
        )))
    }

    fn oidc(&self) -> Chosen {
        let Some(issuer) = self.text("OIDC_ISSUER") else {
            return Err(wrong(
                "OIDC_ISSUER is not set. Set it in wrangler.toml to the issuer that your identity provider names, an https \
                 URL."
                    .to_owned(),
            ));
        };
        let issuer = checked_url("OIDC_ISSUER", &issuer)?;
        let scopes = self
            .text("OIDC_SCOPES")
            .unwrap_or_else(|| oidc::SCOPES.to_owned());
        if !scopes.split_whitespace().any(|scope| scope == "openid") {
            return Err(wrong(
                "OIDC_SCOPES lacks openid, without which nobody signs in. Add it.".to_owned(),
            ));
        }
        let prompt = self.text("OIDC_PROMPT").map(|text| {
            let wrong =
                || wrong("OIDC_PROMPT is none of consent, login and select_account. Correct or remove it.".to_owned());
            Prompt::parse(&text).ok_or_else(wrong)
        });
        // A client without a secret is a public one: PKCE is all that it has.
        let credentials = self.credentials("OIDC", false)?;
        let oidc = Oidc::new(issuer, credentials, scopes, self.list("OIDC_ALLOWED")?);
        Ok(Rc::new(oidc.prompt(prompt.transpose()?)))
    }

    fn access(&self) -> Chosen {
        let (Some(team), Some(audience)) =
            (self.text("ACCESS_TEAM_DOMAIN"), self.text("ACCESS_AUD"))
        else {
            return Err(wrong(
                "ACCESS_TEAM_DOMAIN or ACCESS_AUD is not set. Set them in wrangler.toml: the first to your team's domain, as \
                 in acme.cloudflareaccess.com, the second to the application audience tag of your Access application."
                    .to_owned(),
            ));
        };
        let team = if team.contains("://") {
            team
        } else {
            format!("https://{team}")
        };
        Ok(Rc::new(Access::new(
            checked_url("ACCESS_TEAM_DOMAIN", &team)?,
            audience,
        )))
    }

    /// A variable of any text; `None` if it is empty.
    fn text(&self, name: &str) -> Option<String> {
        (self.0)(name)
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
    }

    fn credentials(
        &self,
        variables: &'static str,
        needs_secret: bool,
    ) -> Result<ProviderCredentials, IdentityError> {
        let [id, secret] = ["ID", "SECRET"].map(|part| format!("{variables}_CLIENT_{part}"));
        let value = self.text(&secret).map(Secret::new);
        let id = self.text(&id).ok_or_else(|| not_set(&id))?;
        if needs_secret && value.is_none() {
            return Err(not_set(&secret));
        }
        Ok(ProviderCredentials {
            id,
            secret: value,
            variables,
        })
    }

    fn url(&self, name: &str, usual: &str) -> Result<String, IdentityError> {
        checked_url(name, self.text(name).as_deref().unwrap_or(usual))
    }

    fn list(&self, name: &str) -> Result<AllowList, IdentityError> {
        let Some(text) = self.text(name) else {
            return Ok(AllowList::default());
        };
        let is_good = LISTS
            .iter()
            .find(|list| list.name == name)
            .map_or(no_entry as fn(&str) -> bool, |list| list.is_good);
        match AllowList::parse(&text).and_then(|list| list.checked(is_good)) {
            // An operator who sets a list wants it to keep people out.
            Ok(list) if list.is_empty() => Err(wrong(format!(
                "{name} names nobody. Name somebody, or remove it."
            ))),
            Ok(list) => Ok(list),
            Err(entry) => Err(wrong(format!(
                "{name} has an entry that nobody can match: {entry}. For GitHub one is a login, id:1234, org:name or \
                 org/team; GITHUB_GROUPS has the last two alone. For others one is an e-mail address or @domain."
            ))),
        }
    }

    /// Rejects a variable that looks like a list of people and is not read: everybody could sign in.
    fn check_no_list(&self, provider: &str) -> Result<(), IdentityError> {
        match NO_LISTS
            .iter()
            .find(|(own, name)| *own == provider && self.text(name).is_some())
        {
            Some((_, name)) => Err(wrong(format!(
                "{name} is set, and there is no such list, so nobody is let in. Set at your provider who may sign in, and \
                 remove {name}."
            ))),
            None => Ok(()),
        }
    }
}

impl ProviderCredentials {
    /// The credentials in the variables `{variables}_CLIENT_ID` and `{variables}_CLIENT_SECRET`. `read` returns a variable or a secret
    /// by name.
    ///
    /// # Errors
    /// [`IdentityError::Misconfigured`] if one of them is not set.
    ///
    /// ```
    /// use sign_in::code_flow::ProviderCredentials;
    ///
    /// let error = ProviderCredentials::from_variables(&|_| None, "FORGE").err().unwrap();
    /// assert!(error.to_string().starts_with("FORGE_CLIENT_ID is not set."));
    /// ```
    pub fn from_variables(
        read: &dyn Fn(&str) -> Option<String>,
        variables: &'static str,
    ) -> Result<Self, IdentityError> {
        ProviderSettings(read).credentials(variables, true)
    }
}

fn not_set(name: &str) -> IdentityError {
    wrong(format!(
        "{name} is not set. On your machine put it into .dev.vars and start again; for a deployment run `npx wrangler secret put \
         {name}`."
    ))
}

const fn no_entry(_: &str) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::start;

    fn chosen(variables: &[(&str, &str)]) -> Result<Option<Rc<dyn DynIdentityProvider>>, String> {
        let read = |name: &str| {
            variables
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        provider(&read).map_err(|error| error.to_string())
    }

    fn title(variables: &[(&str, &str)]) -> String {
        chosen(variables).unwrap().unwrap().title().to_owned()
    }

    fn problem(variables: &[(&str, &str)]) -> String {
        chosen(variables).err().unwrap()
    }

    const GITHUB: [(&str, &str); 3] = [
        ("IDENTITY_PROVIDER", "github"),
        ("GITHUB_CLIENT_ID", "id"),
        ("GITHUB_CLIENT_SECRET", "s3cret"),
    ];

    #[test]
    fn nobody_signs_in_unless_a_provider_is_named() {
        for variables in [
            &[][..],
            &[("IDENTITY_PROVIDER", "")],
            &[("IDENTITY_PROVIDER", " none ")],
        ] {
            assert!(chosen(variables).unwrap().is_none());
        }
    }

    #[test]
    fn each_provider_is_chosen_by_its_name() {
        assert_eq!(title(&GITHUB), "GitHub");
        let cloudflare = [
            ("IDENTITY_PROVIDER", "cloudflare"),
            ("CLOUDFLARE_CLIENT_ID", "id"),
            ("CLOUDFLARE_CLIENT_SECRET", "s"),
        ];
        assert_eq!(title(&cloudflare), "Cloudflare");
        let google = [
            ("IDENTITY_PROVIDER", "google"),
            ("GOOGLE_CLIENT_ID", "id"),
            ("GOOGLE_CLIENT_SECRET", "s"),
        ];
        assert_eq!(title(&google), "Google");
        let oidc = [
            ("IDENTITY_PROVIDER", "oidc"),
            ("OIDC_ISSUER", "https://id.example/realm"),
            ("OIDC_CLIENT_ID", "id"),
        ];
        assert_eq!(title(&oidc), "id.example");
        for team in [
            "acme.cloudflareaccess.com",
            "https://acme.cloudflareaccess.com/",
        ] {
            let access = [
                ("IDENTITY_PROVIDER", "access"),
                ("ACCESS_TEAM_DOMAIN", team),
                ("ACCESS_AUD", "tag"),
            ];
            assert_eq!(title(&access), "Cloudflare Access");
        }
        let demo = chosen(&[("IDENTITY_PROVIDER", "demo"), ("DEMO_LOGIN", "true")])
            .unwrap()
            .unwrap();
        assert!(demo.is_demo() && demo.asks_name());
    }

    #[test]
    fn the_demo_provider_needs_its_own_variable() {
        for wanted in ["", "1", "yes", "TRUE", "false"] {
            assert!(
                problem(&[("IDENTITY_PROVIDER", "demo"), ("DEMO_LOGIN", wanted)])
                    .contains("DEMO_LOGIN")
            );
        }
    }

    #[test]
    fn a_missing_variable_is_named_with_where_to_set_it() {
        for at in [1, 2] {
            let mut variables = GITHUB;
            let name = std::mem::replace(&mut variables[at], ("OTHER", "")).0;
            let problem = problem(&variables);
            assert!(
                problem.contains(&format!("wrangler secret put {name}"))
                    && problem.contains(".dev.vars")
            );
        }
        for (name, variables) in [
            (
                "CLOUDFLARE_CLIENT_ID",
                &[("IDENTITY_PROVIDER", "cloudflare")][..],
            ),
            ("GOOGLE_CLIENT_ID", &[("IDENTITY_PROVIDER", "google")]),
            ("OIDC_ISSUER", &[("IDENTITY_PROVIDER", "oidc")]),
            (
                "OIDC_CLIENT_ID",
                &[
                    ("IDENTITY_PROVIDER", "oidc"),
                    ("OIDC_ISSUER", "https://id.example"),
                ],
            ),
            (
                "ACCESS_AUD",
                &[
                    ("IDENTITY_PROVIDER", "access"),
                    ("ACCESS_TEAM_DOMAIN", "x.cloudflareaccess.com"),
                ],
            ),
        ] {
            assert!(problem(variables).contains(name), "{name}");
        }
    }

    #[test]
    fn a_wrong_variable_is_named_without_its_value() {
        assert!(problem(&[("IDENTITY_PROVIDER", "s3cret")]).contains(PROVIDERS));
        let with = |name, value| problem(&[GITHUB[0], GITHUB[1], GITHUB[2], (name, value)]);
        for (name, value) in [
            ("GITHUB_URL", "http://github.example"),
            ("GITHUB_API_URL", "javascript:alert(1)"),
            ("GITHUB_API_URL", "https://api.github.example/?x"),
            ("GITHUB_ALLOWED", "org:a/b"),
            ("GITHUB_ALLOWED", ","),
            ("GITHUB_GROUPS", "a b:c"),
        ] {
            let problem = with(name, value);
            assert!(
                problem.contains(name) && !problem.contains("s3cret"),
                "{problem}"
            );
        }
        let oidc = |name, value| {
            let issuer = ("OIDC_ISSUER", "https://id.example");
            chosen(&[
                ("IDENTITY_PROVIDER", "oidc"),
                issuer,
                ("OIDC_CLIENT_ID", "id"),
                (name, value),
            ])
        };
        assert!(
            oidc("OIDC_SCOPES", "profile")
                .err()
                .unwrap()
                .contains("openid")
        );
        for prompt in ["none", "s3cret"] {
            let problem = oidc("OIDC_PROMPT", prompt).err().unwrap();
            assert!(
                problem.contains("OIDC_PROMPT") && !problem.contains("s3cret"),
                "{problem}"
            );
        }
        assert!(oidc("OIDC_PROMPT", "consent").is_ok() && oidc("OIDC_PROMPT", "").is_ok());
    }

    #[test]
    fn an_allow_list_with_foreign_entries_is_a_problem() {
        let google = |entry| {
            let variables = [
                ("GOOGLE_CLIENT_ID", "id"),
                ("GOOGLE_CLIENT_SECRET", "s"),
                ("GOOGLE_ALLOWED", entry),
            ];
            chosen(&[&[("IDENTITY_PROVIDER", "google")][..], &variables].concat())
        };
        for entry in [
            "octocat",
            "id:5",
            "org:acme",
            "acme/core",
            "@example.com octocat",
        ] {
            assert!(
                google(entry).err().unwrap().contains("GOOGLE_ALLOWED"),
                "{entry}"
            );
        }
        assert!(google("ann@example.com, @example.org").is_ok() && google(" ").is_ok());
        for (name, entry) in [
            ("GITHUB_ALLOWED", "ann@example.com"),
            ("GITHUB_GROUPS", "octocat"),
            ("GITHUB_GROUPS", "id:5"),
        ] {
            assert!(
                problem(&[GITHUB[0], GITHUB[1], GITHUB[2], (name, entry)]).contains(name),
                "{entry}"
            );
        }
        for (provider, name) in NO_LISTS {
            let variables = [
                ("IDENTITY_PROVIDER", provider),
                ("DEMO_LOGIN", "true"),
                (name, "ann@example.com"),
            ];
            assert!(problem(&variables).contains(name), "{name}");
        }
    }

    #[test]
    fn an_allow_list_of_another_provider_is_reported() {
        let unused = |provider: &str, list: &str| {
            let read = |name: &str| match name {
                IDENTITY_PROVIDER => Some(provider.to_owned()),
                name if name == list => Some("octocat".to_owned()),
                _ => None,
            };
            unused_lists(&read)
        };
        for AllowListVariables { name, provider, .. } in LISTS {
            assert_eq!(unused(provider, name), [""; 0]);
            for other in ["", "none", "access"] {
                let [told] = &unused(other, name)[..] else {
                    panic!("{name} {other}")
                };
                assert!(told.contains(name) && told.contains(provider), "{told}");
            }
        }
    }

    #[test]
    fn the_addresses_of_a_provider_can_be_replaced() {
        let variables = [
            GITHUB[0],
            GITHUB[1],
            GITHUB[2],
            ("GITHUB_URL", "http://127.0.0.1:4000/"),
        ];
        let provider = chosen(&variables).unwrap().unwrap();
        assert!(
            start(&*provider, None)
                .unwrap()
                .url
                .starts_with("http://127.0.0.1:4000/login/oauth/authorize?")
        );
        assert_eq!(provider.title(), "GitHub (stand-in)");
    }
}
