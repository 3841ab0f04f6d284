//! Servers that the relay sends to, and those that it does not.

use http::Method;

use super::{PING, SET, code, deployment, last, relay_token, send};
use crate::support::browser::{Browser, Deployment, ORIGIN};

#[test]
#[expect(clippy::too_many_lines, reason = "a table of addresses")]
fn nothing_is_relayed_to_an_address_outside_the_public_web() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for url in [
        // Other schemes, and no URLs.
        "http://server.example/mcp",
        "HTTPS://server.example/mcp",
        "ftp://server.example/",
        "file:///etc/passwd",
        "data:application/json,{}",
        "javascript:alert(1)",
        "//server.example/mcp",
        "server.example/mcp",
        "https:server.example",
        "https:///mcp",
        "https://server.example/#fragment",
        "https://server.example\\@127.0.0.1/",
        "https://server.example/\r\nhost: evil",
        "https://b\u{fc}cher.example/",
        // Users and passwords.
        "https://user@server.example/",
        "https://user:pass@server.example/",
        "https://server.example@127.0.0.1/",
        "https://127.0.0.1@server.example/",
        // IPv4 in every notation.
        "https://127.0.0.1/",
        "https://127.1/",
        "https://127.0.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://017700000001/",
        "https://127.0.0.1./",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://192.168.1.1/",
        "https://8.8.8.8/",
        "https://0/",
        "https://server.1/",
        "https://server.0x7f/",
        // IPv6.
        "https://[::1]/",
        "https://[::]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://[fd00::1]/",
        "https://[fe80::1%25eth0]/",
        "https://[64:ff9b::7f00:1]/",
        "https://[2606:4700::1111]/",
        // Names of machines and networks.
        "https://localhost/",
        "https://LOCALHOST/",
        "https://localhost./",
        "https://a.localhost/",
        "https://a.localdomain/",
        "https://printer.local/",
        "https://metadata.google.internal/",
        "https://a.intranet/",
        "https://a.corp/",
        "https://a.home.arpa/",
        "https://a.lan/",
        "https://a.onion/",
        "https://intranet/",
        "https://com/",
        "https://server.example./",
        "https://.example/",
        "https://a..example/",
        "https://-a.example/",
        "https://a_b.example/",
        "https://a%2eexample/",
        "https://a,b.example/",
        "https://Server.example/",
        // Ports of other services.
        "https://server.example:0/",
        "https://server.example:22/",
        "https://server.example:25/",
        "https://server.example:80/",
        "https://server.example:442/",
        "https://server.example:1023/",
        "https://server.example:65536/",
        "https://server.example:/",
        "https://server.example:x/",
        "https://server.example:+443/",
        "",
    ] {
        let shown = send(&deployment, &token, &[("x-target-url", url)], PING);
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (403, "target"),
            "{url}"
        );
    }
    assert!(deployment.relayed.borrow().is_empty() && deployment.looked_up.borrow().is_empty());
    for url in [
        "https://server.example",
        "https://server.example/",
        "https://server.example:443/mcp",
        "https://server.example:8443/mcp?a=b",
        "https://xn--bcher-kva.example/mcp",
    ] {
        assert_eq!(
            send(&deployment, &token, &[("x-target-url", url)], PING).status,
            200,
            "{url}"
        );
        assert_eq!(last(&deployment).url, url);
    }
}

#[test]
fn nothing_is_relayed_to_the_deployment_itself_or_its_domain() {
    let origins = [
        ("PLAYGROUND_ORIGIN", "https://play.company.co.uk"),
        ("PLAYGROUND_SERVER_ORIGIN", ORIGIN),
        ("PLAYGROUND_APPS_ORIGIN", "https://apps.ann.workers.dev"),
    ];
    let variables: Vec<_> = SET.iter().chain(&origins).copied().collect();
    let deployment = Deployment::with_variables(&variables);
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    let token = relay_token(&deployment, "ann");
    let from_page = |url: &str| {
        let mut browser = Browser::new(&deployment);
        "https://play.company.co.uk".clone_into(&mut browser.origin);
        let authorization = format!("Bearer {token}");
        let headers = [
            ("x-playground", "1"),
            ("origin", "https://play.company.co.uk"),
            ("sec-fetch-site", "same-origin"),
            ("x-target-url", url),
            ("x-target-method", "POST"),
            ("authorization", &authorization),
        ];
        browser.send(Method::POST, "/playground/relay", PING, &headers)
    };
    for url in [
        "https://mcp.example/mcp",
        "https://mcp.example:8443/mcp",
        "https://a.mcp.example/",
        "https://play.company.co.uk/playground/relay",
        "https://company.co.uk/",
        "https://admin.company.co.uk/",
        "https://apps.ann.workers.dev/",
        "https://other.ann.workers.dev/",
    ] {
        let shown = from_page(url);
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (403, "target"),
            "{url}"
        );
    }
    for url in [
        "https://other.co.uk/",
        "https://notes.bob.workers.dev/",
        "https://notmcp.example/",
        "https://mcp.example.com/",
    ] {
        assert_eq!(from_page(url).status, 200, "{url}");
    }
}

#[test]
fn a_name_that_resolves_to_a_private_address_is_refused() {
    let deployment = deployment();
    let token = relay_token(&deployment, "ann");
    for addresses in [
        &["127.0.0.1"][..],
        &["10.0.0.1"],
        &["169.254.169.254"],
        &["100.64.0.1"],
        &["0.0.0.0"],
        &["::1"],
        &["fd00::1"],
        &["::ffff:10.0.0.1"],
        &["64:ff9b::a00:1"],
        &["93.184.215.14", "192.168.0.1"],
        &["93.184.215.14", "fe80::1"],
    ] {
        let addresses = addresses
            .iter()
            .map(|address| (*address).to_owned())
            .collect();
        deployment
            .names
            .borrow_mut()
            .insert("rebound.example".to_owned(), addresses);
        let shown = send(
            &deployment,
            &token,
            &[("x-target-url", "https://rebound.example/")],
            PING,
        );
        assert_eq!(
            (shown.status, code(&shown).as_str()),
            (403, "target"),
            "{:?}",
            deployment.names
        );
    }
    deployment
        .names
        .borrow_mut()
        .insert("nobody.example".to_owned(), Vec::new());
    let shown = send(
        &deployment,
        &token,
        &[("x-target-url", "https://nobody.example/")],
        PING,
    );
    assert_eq!((shown.status, code(&shown).as_str()), (502, "name"));
    assert!(deployment.relayed.borrow().is_empty());
    deployment.names.borrow_mut().insert(
        "both.example".to_owned(),
        vec!["1.1.1.1".to_owned(), "2606:4700::1111".to_owned()],
    );
    for _ in 0..2 {
        assert_eq!(
            send(
                &deployment,
                &token,
                &[("x-target-url", "https://both.example/")],
                PING
            )
            .status,
            200
        );
    }
    let looked_up = || {
        deployment
            .looked_up
            .borrow()
            .iter()
            .filter(|name| *name == "both.example")
            .count()
    };
    assert_eq!(looked_up(), 2, "one look-up of each kind, for a minute");
    deployment.pass_ms(60_000);
    let token = relay_token(&deployment, "ann");
    deployment
        .names
        .borrow_mut()
        .insert("both.example".to_owned(), vec!["10.0.0.1".to_owned()]);
    assert_eq!(
        send(
            &deployment,
            &token,
            &[("x-target-url", "https://both.example/")],
            PING
        )
        .status,
        403
    );
}

#[test]
fn a_list_of_hosts_restricts_the_targets() {
    let with = |hosts: &str| {
        Deployment::with_variables(&[SET[0], SET[1], ("PLAYGROUND_RELAY_HOSTS", hosts)])
    };
    let deployment = with("a.example, *.b.example, c.example:8443, d.example:443, e.example:80");
    assert_eq!(deployment.app.problems(), [] as [String; 0]);
    let token = relay_token(&deployment, "ann");
    for (url, status) in [
        ("https://a.example/mcp", 200),
        ("https://x.b.example/mcp", 200),
        ("https://c.example:8443/mcp", 200),
        ("https://d.example/mcp", 200),
        ("https://d.example:443/mcp", 200),
        ("https://d.example:8443/mcp", 403),
        ("https://e.example/mcp", 403),
        ("https://b.example/mcp", 403),
        ("https://x.a.example/mcp", 403),
        ("https://c.example/mcp", 403),
        ("https://server.example/mcp", 403),
    ] {
        assert_eq!(
            send(&deployment, &token, &[("x-target-url", url)], PING).status,
            status,
            "{url}"
        );
    }
    let deployment = with("https://a.example");
    assert!(deployment.app.problems()[0].contains("PLAYGROUND_RELAY_HOSTS has"));
    let token = relay_token(&deployment, "ann");
    assert_eq!(
        send(
            &deployment,
            &token,
            &[("x-target-url", "https://a.example/")],
            PING
        )
        .status,
        403
    );
}
