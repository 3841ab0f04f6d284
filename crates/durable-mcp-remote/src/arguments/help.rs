//! Text of `--help`.

/// Flags and subcommands in plain words.
pub(crate) const HELP: &str = "\
durable-mcp-remote connects an MCP client that starts local programs to a remote MCP server.

Usage:
  durable-mcp-remote URL [PORT] [flags]     connect; PORT fixes the port of the sign-in's redirect
  durable-mcp-remote doctor URL [--json]    check each step of a connection, and say what to do
  durable-mcp-remote login URL [--paste]    sign in now
  durable-mcp-remote logout URL | --all     remove stored sign-ins
  durable-mcp-remote list [--json]          list stored sign-ins
  durable-mcp-remote config URL [--client NAME]
                                            print the entry of a client's configuration

Flags stand anywhere, as --flag VALUE or --flag=VALUE. Those of npm mcp-remote mean the same here.

Headers:
  --header NAME:VALUE           send a header; ${VARIABLE} in the value is read from the environment
  --header-env NAME=VARIABLE    send a header whose value is a variable of the environment
  --header-file FILE            send the headers of a file, one a line, # before comments

Transport and protocol:
  --transport http-first|sse-first|http-only|sse-only    (http-first)
  --protocol fallback|legacy|auto|modern      (fallback)
  --initialize-deadline SECONDS   answer the client's initialize by then, also without the server (45)
  --discover-timeout SECONDS      send initialize where server/discover has no answer by then (10)
  --question-timeout SECONDS      cancel a call whose questions are not answered by then (600)
  --max-message BYTES             refuse larger messages (67108864)
  --idle-timeout SECONDS          close the HTTP connection when nothing was said for so long (never)
  --keep-alive                    ping the server
  --ping-interval SECONDS         ping it so often (30)
  --ignore-tool PATTERN           hide tools whose name matches; * stands for any text; repeatable
  --allow-tool PATTERN            hide all other tools; repeatable

Network:
  --allow-http                    allow http:// to other machines
  --ca FILE                       trust the certificate authorities of a PEM file too; repeatable
  --connect-timeout SECONDS       (10)
  --headers-timeout SECONDS       wait so long for the head of an answer; 0 for ever (300)
  --body-timeout SECONDS          longest silence within an answer; 0 for any (300)
  --ipv4                          connect over IPv4 only
  --no-proxy                      use no proxy (HTTPS_PROXY, HTTP_PROXY and NO_PROXY are read otherwise)
  --enable-proxy                  accepted; proxies are on
  --disable-cookies               send no cookies back

Sign-in:
  --scope SCOPES                  ask for these scopes, separated by spaces
  --host HOST                     host of the redirect URI: localhost, 127.0.0.1 or [::1]
  --callback-path PATH            path of the redirect URI (/oauth/callback)
  --auth-timeout SECONDS          wait so long for the person in the browser (300)
  --auth-success-url URL          send the browser there when done
  --no-browser                    print the link, open nothing
  --paste                         with login: finish by pasting the redirect URL
  --device-code                   sign in with a code on another device
  --client-credentials            sign in as the client itself, without a person
  --token-endpoint URL            with --client-credentials: skip discovery
  --static-oauth-client-info JSON|@FILE       use a registered client; ${VARIABLE} is read from the environment
  --client-key FILE               with it: sign in by this private key (PEM) instead of a secret
  --static-oauth-client-metadata JSON|@FILE   register with these values
  --client-metadata-url URL       client ID metadata document
  --resource URI                  resource parameter; empty for none
  --disable-resource-parameter    send no resource parameter
  --authorize-param KEY=VALUE     add a parameter to the authorization request; repeatable
  --use-id-token                  send the ID token instead of the access token
  --allow-missing-pkce            trust a server that does not say it supports PKCE
  --store file                    where tokens are kept (file; keychain is not there yet)

Logs:
  --silent                        say nothing on stderr but errors
  --debug                         log each message: time, method, id, status, size, duration
  --debug=bodies                  their bodies too, secrets masked
  --log FILE                      write the debug log there

  --help, --version

Environment: MCP_REMOTE_CONFIG_DIR (~/.mcp-auth), HTTPS_PROXY, HTTP_PROXY, NO_PROXY, NODE_EXTRA_CA_CERTS, SSL_CERT_FILE,
BROWSER.
";
