//! Reading of a command line, flags first, then what they mean together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::time::Duration;

use lexopt::Arg;
use reqwest::Url;

use super::values::{Environment, is_loopback, json_object, leading_integer, seconds};
use super::{
    Arguments, Command, DebugDetail, Headers, Invocation, LogArguments, NetworkArguments, Protocol,
    ServerUrl, StoreKind, ToolFilter, Transport, UsageError,
};

mod sign_in;

/// Flags without a value.
const SWITCHES: [&str; 17] = [
    "all",
    "allow-http",
    "allow-missing-pkce",
    "client-credentials",
    "device-code",
    "disable-cookies",
    "disable-resource-parameter",
    "enable-proxy",
    "ipv4",
    "json",
    "keep-alive",
    "login",
    "no-browser",
    "no-proxy",
    "paste",
    "silent",
    "use-id-token",
];

/// Flags with one value; the first counts, as in `mcp-remote`.
const VALUES: [&str; 25] = [
    "auth-success-url",
    "auth-timeout",
    "body-timeout",
    "callback-path",
    "client",
    "client-key",
    "client-metadata-url",
    "connect-timeout",
    "discover-timeout",
    "headers-timeout",
    "host",
    "idle-timeout",
    "initialize-deadline",
    "log",
    "max-message",
    "ping-interval",
    "protocol",
    "question-timeout",
    "resource",
    "scope",
    "static-oauth-client-info",
    "static-oauth-client-metadata",
    "store",
    "token-endpoint",
    "transport",
];

/// Flags that may be repeated, each time with a value.
const LISTS: [&str; 4] = ["allow-tool", "authorize-param", "ca", "ignore-tool"];

/// Hosts give `initialize` 60 s; the rest is theirs to read the answer.
const INITIALIZE_DEADLINE: Duration = Duration::from_secs(45);
/// Time for `server/discover`, of which old servers may know so little that they never answer.
const DISCOVER_TIMEOUT: Duration = Duration::from_secs(10);
/// Larger than any message seen; as much is held in memory once or twice.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// Smallest `--max-message`: an `initialize` with its answer fits.
const LEAST_MAX_MESSAGE: usize = 64 * 1024;
/// A person fills in a form in this time, or the call that waits for it is cancelled.
const QUESTION_TIMEOUT: Duration = Duration::from_mins(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As long as `mcp-remote` waits for a head, and between two chunks of a body.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(5);
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// Parses a command line without the program's name.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
    environment: Environment<'_>,
) -> Result<Invocation, UsageError> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    // Also behind a flag that lacks its value: someone who asks for help gets it.
    if arguments
        .iter()
        .any(|argument| argument == "--help" || argument == "-h")
    {
        return Ok(Invocation::Help);
    }
    if arguments
        .iter()
        .any(|argument| argument == "--version" || argument == "-V")
    {
        return Ok(Invocation::Version);
    }
    let entry = entry_arguments(&arguments);
    let mut given = Given::read(arguments, environment)?;
    given.entry = entry;
    given.invocation(environment)
}

/// Command line without `config` and `--client`.
fn entry_arguments(arguments: &[OsString]) -> Vec<String> {
    let mut entry = Vec::new();
    let mut rest = arguments.iter().filter_map(|argument| argument.to_str());
    let mut is_first = true;
    while let Some(argument) = rest.next() {
        if argument == "--client" {
            rest.next();
        } else if !(argument.starts_with("--client=") || is_first && argument == "config") {
            entry.push(argument.to_owned());
        }
        is_first = false;
    }
    entry
}

/// Command line by the names of flags, their values not looked at.
#[derive(Default)]
struct Given {
    positional: Vec<String>,
    switches: BTreeSet<&'static str>,
    values: BTreeMap<&'static str, String>,
    lists: BTreeMap<&'static str, Vec<String>>,
    headers: Headers,
    debug: Option<DebugDetail>,
    /// Command line of the entry that `config` prints.
    entry: Vec<String>,
    warnings: Vec<String>,
}

impl Given {
    fn read(arguments: Vec<OsString>, environment: Environment<'_>) -> Result<Self, UsageError> {
        let mut given = Self::default();
        let mut parser = lexopt::Parser::from_args(arguments);
        loop {
            match parser.next().map_err(|error| refused(&error))? {
                None => return Ok(given),
                Some(Arg::Value(value)) => given.positional.push(text(value)?),
                Some(Arg::Long(name)) => {
                    let name = name.to_owned();
                    given.flag(&name, &mut parser, environment)?;
                }
                Some(Arg::Short(name)) => given.unknown(&format!("-{name}"), &mut parser)?,
            }
        }
    }

    fn flag(
        &mut self,
        name: &str,
        parser: &mut lexopt::Parser,
        environment: Environment<'_>,
    ) -> Result<(), UsageError> {
        let known = |names: &[&'static str]| names.iter().copied().find(|known| *known == name);
        if let Some(name) = known(&SWITCHES) {
            self.switches.insert(name);
        } else if let Some(name) = known(&VALUES) {
            let value = value(parser)?;
            if self.values.contains_key(name) {
                if name == "auth-success-url" {
                    return Err(UsageError::new(
                        "--auth-success-url is given twice; leave one",
                    ));
                }
                self.warnings
                    .push(format!("--{name} is given twice; the first counts"));
            }
            self.values.entry(name).or_insert(value);
        } else if let Some(name) = known(&LISTS) {
            self.lists.entry(name).or_default().push(value(parser)?);
        } else {
            match name {
                "header" => self.headers.add_line(&value(parser)?)?,
                "header-file" => self.headers.add_file(&value(parser)?)?,
                "header-env" => self.headers.add_variable(&value(parser)?, environment)?,
                "debug" => self.debug = Some(debug_detail(parser)?),
                _ => self.unknown(&format!("--{name}"), parser)?,
            }
        }
        Ok(())
    }

    /// Warns about an unknown flag, and skips its value: neither may pass for the URL or the port.
    fn unknown(&mut self, flag: &str, parser: &mut lexopt::Parser) -> Result<(), UsageError> {
        let mut ignored =
            format!("{flag} is no flag of durable-mcp-remote and is ignored; see --help");
        if parser.optional_value().is_none() {
            let is_value = |next: &std::ffi::OsStr| {
                next.to_str()
                    .is_some_and(|next| !next.starts_with('-') && !next.contains("://"))
            };
            let value = parser
                .try_raw_args()
                .and_then(|mut raw| raw.next_if(is_value));
            if let Some(value) = value.map(text).transpose()? {
                ignored = format!(
                    "{flag} is no flag of durable-mcp-remote; the flag and its value ({} characters) are ignored; see --help",
                    value.chars().count()
                );
            }
        }
        self.warnings.push(ignored);
        Ok(())
    }

    fn invocation(mut self, environment: Environment<'_>) -> Result<Invocation, UsageError> {
        let mut positional = std::mem::take(&mut self.positional).into_iter().peekable();
        let command = positional.next_if(|first| is_command(first));
        let json = self.has("json");
        let command = match command.as_deref() {
            Some("list") => return Ok(Invocation::List { json }),
            Some("logout") if self.has("all") => return Ok(Invocation::LogoutAll),
            Some("logout") => Command::Logout,
            Some("login") => Command::Login,
            Some("doctor") => Command::Doctor {
                json,
                login: self.has("login"),
            },
            Some("config") => Command::Config {
                client: self.take("client"),
                arguments: std::mem::take(&mut self.entry),
            },
            _ => Command::Bridge,
        };
        let url = self.server_url(positional.next())?;
        let mut callback_port = None;
        for (index, value) in positional.enumerate() {
            match leading_integer(&value).and_then(|port| u16::try_from(port).ok()).filter(|port| *port != 0) {
                Some(port) if callback_port.is_none() => callback_port = Some(port),
                // The value may be the end of a header that lacks its quotes.
                _ => self.warnings.push(format!(
                    "word {} behind the URL ({} characters) is neither a flag nor a port and is ignored; quote a value with spaces",
                    index.saturating_add(1),
                    value.chars().count()
                )),
            }
        }
        let arguments = self.arguments(url, callback_port, environment)?;
        check_support(&arguments)?;
        Ok(Invocation::Server(command, Box::new(arguments)))
    }

    fn server_url(&self, typed: Option<String>) -> Result<ServerUrl, UsageError> {
        let typed = typed.ok_or_else(|| {
            UsageError::new(
                "the server's URL is missing; write it first, such as durable-mcp-remote https://example.com/mcp",
            )
        })?;
        let parsed = Url::parse(&typed)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or_else(|| {
            UsageError::new(format!(
                "the first word that is no flag ({} characters) is no URL of a server; write it whole, such as https://example.com/mcp, and quote a header with spaces",
                typed.chars().count()
            ))
        })?;
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(UsageError::new(
                "the server's URL has a user or password, which would be in logs; send them by --header-env Authorization=VARIABLE",
            ));
        }
        if parsed.scheme() == "http" && !is_loopback(&parsed) && !self.has("allow-http") {
            return Err(UsageError::new(
                "http:// is allowed for this machine only, since anyone on the way can read it; use https://, or add --allow-http in a network that you trust",
            ));
        }
        Ok(ServerUrl { typed, parsed })
    }

    fn arguments(
        mut self,
        url: ServerUrl,
        callback_port: Option<u16>,
        environment: Environment<'_>,
    ) -> Result<Arguments, UsageError> {
        let mut headers = std::mem::take(&mut self.headers);
        headers.resolve(environment, &mut self.warnings)?;
        let transport = self.transport();
        let protocol = self.protocol();
        let ping_interval = self.lenient_seconds("ping-interval", false);
        let tools = ToolFilter {
            ignored: self.list("ignore-tool"),
            allowed: self.list("allow-tool"),
        };
        Ok(Arguments {
            url,
            callback_port,
            headers,
            transport,
            protocol,
            network: self.network(),
            sign_in: self.sign_in(environment)?,
            tools,
            ping_interval: ping_interval
                .or_else(|| self.has("keep-alive").then_some(PING_INTERVAL)),
            initialize_deadline: self.seconds_or("initialize-deadline", INITIALIZE_DEADLINE)?,
            discover_timeout: self.seconds_or("discover-timeout", DISCOVER_TIMEOUT)?,
            question_timeout: self.seconds_or("question-timeout", QUESTION_TIMEOUT)?,
            max_message: self.max_message()?,
            idle_timeout: self.strict_seconds("idle-timeout")?,
            log: LogArguments {
                silent: self.has("silent"),
                debug: self.debug,
                file: self.take("log").map(Into::into),
            },
            warnings: self.warnings,
        })
    }

    fn transport(&mut self) -> Transport {
        match self.take("transport").as_deref() {
            None | Some("http-first") => Transport::HttpFirst,
            Some("sse-first") => Transport::SseFirst,
            Some("http-only") => Transport::HttpOnly,
            Some("sse-only") => Transport::SseOnly,
            Some(other) => {
                let known = "http-first, sse-first, http-only and sse-only";
                self.warnings.push(format!(
                    "--transport {other:?} is ignored; there are {known}"
                ));
                Transport::HttpFirst
            }
        }
    }

    fn protocol(&mut self) -> Protocol {
        match self.take("protocol").as_deref() {
            None | Some("fallback") => Protocol::Fallback,
            Some("legacy") => Protocol::Legacy,
            Some("auto") => Protocol::Auto,
            Some("modern") => Protocol::Modern,
            Some(other) => {
                let known = "fallback, legacy, auto and modern";
                self.warnings.push(format!(
                    "--protocol {other:?} is ignored; there are {known}"
                ));
                Protocol::Fallback
            }
        }
    }

    fn network(&mut self) -> NetworkArguments {
        NetworkArguments {
            allow_http: self.has("allow-http"),
            use_proxy: !self.has("no-proxy"),
            ipv4: self.has("ipv4"),
            cookies: !self.has("disable-cookies"),
            certificate_authorities: self.list("ca").into_iter().map(Into::into).collect(),
            connect_timeout: self
                .lenient_seconds("connect-timeout", false)
                .unwrap_or(CONNECT_TIMEOUT),
            headers_timeout: bound(self.lenient_seconds("headers-timeout", true)),
            body_timeout: bound(self.lenient_seconds("body-timeout", true)),
        }
    }

    fn max_message(&mut self) -> Result<usize, UsageError> {
        let Some(value) = self.take("max-message") else {
            return Ok(MAX_MESSAGE);
        };
        value
            .parse()
            .ok()
            .filter(|bytes| *bytes >= LEAST_MAX_MESSAGE)
            .ok_or_else(|| {
                UsageError::new(format!(
                    "--max-message {value:?} is no number of bytes from {LEAST_MAX_MESSAGE} on"
                ))
            })
    }

    fn has(&self, switch: &str) -> bool {
        self.switches.contains(switch)
    }

    fn take(&mut self, flag: &str) -> Option<String> {
        self.values.remove(flag)
    }

    fn list(&mut self, flag: &str) -> Vec<String> {
        self.lists.remove(flag).unwrap_or_default()
    }

    /// Seconds of a flag of `mcp-remote`, which ignores a wrong value.
    fn lenient_seconds(&mut self, flag: &str, zero: bool) -> Option<Duration> {
        let value = self.take(flag)?;
        let duration = seconds(&value, zero);
        if duration.is_none() {
            let least = if zero { "from 0 on" } else { "above 0" };
            self.warnings.push(format!(
                "--{flag} {value:?} is ignored; give a number of seconds {least}"
            ));
        }
        duration
    }

    fn seconds_or(&mut self, flag: &str, default: Duration) -> Result<Duration, UsageError> {
        Ok(self.strict_seconds(flag)?.unwrap_or(default))
    }

    fn strict_seconds(&mut self, flag: &str) -> Result<Option<Duration>, UsageError> {
        let Some(value) = self.take(flag) else {
            return Ok(None);
        };
        seconds(&value, false).map(Some).ok_or_else(|| {
            UsageError::new(format!(
                "--{flag} {value:?} is no number of seconds above 0"
            ))
        })
    }
}

/// Refuses the flags that cannot be honoured yet: ignored, they would seem to work.
fn check_support(arguments: &Arguments) -> Result<(), UsageError> {
    if arguments.sign_in.store == StoreKind::Keychain {
        return Err(UsageError::new(
            "--store keychain cannot be honoured yet; leave the flag out to use files",
        ));
    }
    Ok(())
}

/// Zero stands for no bound, as in `mcp-remote`.
fn bound(given: Option<Duration>) -> Option<Duration> {
    Some(given.unwrap_or(ANSWER_TIMEOUT)).filter(|duration| !duration.is_zero())
}

fn is_command(word: &str) -> bool {
    matches!(word, "config" | "doctor" | "list" | "login" | "logout")
}

fn debug_detail(parser: &mut lexopt::Parser) -> Result<DebugDetail, UsageError> {
    match parser.optional_value().map(text).transpose()?.as_deref() {
        None | Some("messages") => Ok(DebugDetail::Messages),
        Some("bodies") => Ok(DebugDetail::Bodies),
        Some(_) => Err(UsageError::new(
            "write --debug for a line a message, or --debug=bodies for their bodies too",
        )),
    }
}

fn value(parser: &mut lexopt::Parser) -> Result<String, UsageError> {
    parser
        .value()
        .map_err(|error| refused(&error))
        .and_then(text)
}

fn text(value: OsString) -> Result<String, UsageError> {
    value
        .into_string()
        .map_err(|_| UsageError::new("an argument is no UTF-8 text; write it in UTF-8"))
}

/// Refusal of the parser, without the value: it may be a secret.
fn refused(error: &lexopt::Error) -> UsageError {
    UsageError::new(match error {
        lexopt::Error::MissingValue {
            option: Some(option),
        } => format!("{option} lacks its value; write it behind"),
        lexopt::Error::UnexpectedValue { option, .. } => {
            format!("{option} takes no value; write it alone")
        }
        _ => "an argument cannot be read; see --help".to_owned(),
    })
}
